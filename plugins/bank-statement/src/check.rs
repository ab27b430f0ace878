//! The check of a statement: each balance is the one before it with the movement.

use ocriva_plugin_sdk::values::amounts::rounded;

use crate::transactions::Transaction;

/// What is less is rounding.
const TOLERANCE: f64 = 0.005;

/// What the balances say about the movements.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Outcome {
    /// Whether all balances agree row by row; `None` without balances.
    pub running: Option<bool>,
    /// Whether the balance at the end is that at the start with all movements; `None` where either is not known.
    pub closing: Option<bool>,
    /// The movements that break it, as indices, with the balance that was expected.
    pub broken: Vec<(usize, f64)>,
    /// Whether the newest movement stands first.
    pub is_newest_first: bool,
}

/// Checks the movements, and gives those without a sign the one that the balances ask for.
pub fn check(transactions: &mut [Transaction], opening: Option<f64>, closing: Option<f64>) -> Outcome {
    let forward: Vec<usize> = (0..transactions.len()).collect();
    let backward: Vec<usize> = forward.iter().rev().copied().collect();
    let is_newest_first =
        agreements(transactions, &backward, opening) > agreements(transactions, &forward, opening);
    let order = if is_newest_first { backward } else { forward };
    let mut outcome = Outcome { is_newest_first, ..Outcome::default() };
    settle_signs(transactions, &order, opening);
    let mut known = opening;
    let mut since = 0.0;
    for index in order {
        let Some(transaction) = transactions.get_mut(index) else { continue };
        since += transaction.change;
        let Some(balance) = transaction.balance.as_ref().map(|balance| balance.value) else { continue };
        if let Some(before) = known {
            let is_right = is_same(before + since, balance);
            transaction.is_checked = Some(is_right);
            outcome.running = Some(outcome.running.unwrap_or(true) && is_right);
            if !is_right {
                outcome.broken.push((index, rounded(before + since)));
            }
        }
        known = Some(balance);
        since = 0.0;
    }
    outcome.broken.sort_by_key(|(index, _)| *index);
    let sum: f64 = transactions.iter().map(|transaction| transaction.change).sum();
    if let (Some(opening), Some(closing), false) = (opening, closing, transactions.is_empty()) {
        outcome.closing = Some(is_same(opening + sum, closing));
    }
    outcome
}

/// The balances before the first movement and behind the last, by the balances beside them.
pub fn ends(transactions: &[Transaction], is_newest_first: bool) -> (Option<f64>, Option<f64>) {
    let (first, last) = match (transactions.first(), transactions.last()) {
        (Some(top), Some(bottom)) if is_newest_first => (bottom, top),
        (Some(top), Some(bottom)) => (top, bottom),
        _ => return (None, None),
    };
    let before = first.balance.as_ref().map(|balance| rounded(balance.value - first.change));
    (before, last.balance.as_ref().map(|balance| balance.value))
}

fn is_same(left: f64, right: f64) -> bool {
    (left - right).abs() < TOLERANCE
}

/// Number of balances that follow from the one before, with either sign where none is printed.
fn agreements(transactions: &[Transaction], order: &[usize], opening: Option<f64>) -> usize {
    let mut known = opening;
    let mut count = 0;
    for transaction in order.iter().filter_map(|index| transactions.get(*index)) {
        let Some(balance) = transaction.balance.as_ref().map(|balance| balance.value) else {
            known = None;
            continue;
        };
        let follows = |before: f64| {
            is_same(before + transaction.change, balance)
                || may_turn(transaction) && is_same(before - transaction.change, balance)
        };
        count += usize::from(known.is_some_and(follows));
        known = Some(balance);
    }
    count
}

/// Whether a movement's sign is not printed.
fn may_turn(transaction: &Transaction) -> bool {
    transaction.amount.as_ref().is_some_and(|amount| !amount.is_signed)
        && transaction.debit.is_none()
        && transaction.credit.is_none()
}

fn settle_signs(transactions: &mut [Transaction], order: &[usize], opening: Option<f64>) {
    let mut known = opening;
    for &index in order {
        let Some(transaction) = transactions.get_mut(index) else { continue };
        let balance = transaction.balance.as_ref().map(|balance| balance.value);
        if let (Some(before), Some(balance)) = (known, balance)
            && may_turn(transaction)
            && is_same(before - transaction.change, balance)
        {
            transaction.change = -transaction.change;
        }
        known = balance.or_else(|| known.map(|known| known + transaction.change));
    }
}
