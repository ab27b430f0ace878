//! The layers of a line recogniser and how values flow through them.

use super::matrix::{self, Matrix, ONE};

/// A network that reads grey lines of one height.
pub(super) struct Network {
    /// Rows of its input.
    height: usize,
    /// Columns of its input per time step of its output.
    stride: usize,
    /// In their order, none of them a series; the last gives probabilities of classes.
    layers: Vec<Layer>,
}

/// A layer, with those inside of it.
pub(super) enum Layer {
    /// Says what the input looks like.
    Input { height: usize },
    /// Gives each place the values around it, so many columns and rows away.
    Window { columns: usize, rows: usize },
    /// Keeps the highest of so many columns and rows.
    MaxPool { columns: usize, rows: usize },
    /// Multiplies the values of each place by weights.
    Dense(Matrix),
    /// Hyperbolic tangents.
    Tanh,
    /// Makes probabilities of what a last product with weights gives.
    Softmax(Matrix),
    /// Reads from left to right.
    Recurrent(Cells),
    /// Reads from left to right and gives what it has at the end of each row.
    Summary(Cells),
    /// Swaps rows and columns before and after the layer.
    Transposed(Box<Layer>),
    /// Reverses the columns before and after the layer.
    Reversed(Box<Layer>),
    /// One after another.
    Series(Vec<Layer>),
}

/// A recurrent layer's cells: per cell the gates cell, input, forget and output, gate by gate.
pub(super) struct Cells {
    from_input: Matrix,
    from_output: Matrix,
}

/// Probabilities of classes, one row per time step.
pub(super) struct Probabilities {
    pub(super) class_count: usize,
    pub(super) values: Vec<f32>,
}

/// Places in rows and columns with some values each: whole numbers between most layers.
struct Grid {
    height: usize,
    width: usize,
    depth: usize,
    /// Row by row, place by place.
    values: Vec<f32>,
}

/// Positions whose inputs to a recurrent layer are multiplied at once: enough to share the weights among.
const SHARED_ROWS: usize = 48;

impl Network {
    /// Checks that the layers fit each other.
    ///
    /// # Errors
    /// What does not fit, in words.
    pub(super) fn new(layer: Layer) -> Result<Self, String> {
        let mut layers = Vec::new();
        flatten(layer, &mut layers);
        if !matches!(layers.first(), Some(Layer::Input { .. })) {
            return Err("it does not begin with an input".to_owned());
        }
        let Layer::Input { height } = layers.remove(0) else { return Err("it has no layers".to_owned()) };
        if !matches!(layers.last(), Some(Layer::Softmax(_))) {
            return Err("it does not end in probabilities".to_owned());
        }
        let mut shape = Shape { height, depth: 1, stride: 1 };
        for layer in &layers {
            shape = layer.shape(shape)?;
        }
        if shape.height != 1 {
            return Err("it gives more than one row".to_owned());
        }
        // The curve rises everywhere, so that the highest value may be found before it.
        for index in 1..layers.len() {
            if matches!((&layers[index - 1], &layers[index]), (Layer::Tanh, Layer::MaxPool { .. })) {
                layers.swap(index - 1, index);
            }
        }
        Ok(Self { height, stride: shape.stride, layers })
    }

    pub(super) fn height(&self) -> usize {
        self.height
    }

    pub(super) fn stride(&self) -> usize {
        self.stride
    }

    pub(super) fn class_count(&self) -> usize {
        match self.layers.last() {
            Some(Layer::Softmax(weights)) => weights.outputs(),
            _ => 0,
        }
    }

    /// Reads a line: [`Network::height`] rows of grey values from −1 (black) to 1 (white).
    pub(super) fn run(&self, line: &[f32]) -> Probabilities {
        let width = line.len() / self.height;
        let values = line.iter().map(|value| (value * ONE).round_ties_even()).collect();
        let mut grid = Grid { height: self.height, width, depth: 1, values };
        for layer in &self.layers {
            grid = layer.run(grid);
        }
        Probabilities { class_count: self.class_count(), values: grid.values }
    }
}

/// Takes series apart.
fn flatten(layer: Layer, into: &mut Vec<Layer>) {
    match layer {
        Layer::Series(layers) => layers.into_iter().for_each(|layer| flatten(layer, into)),
        layer => into.push(layer),
    }
}

/// What a layer gives for a line of any width.
#[derive(Clone, Copy)]
struct Shape {
    height: usize,
    depth: usize,
    stride: usize,
}

impl Layer {
    fn shape(&self, before: Shape) -> Result<Shape, String> {
        let Shape { height, depth, stride } = before;
        let takes = |inputs: usize, after: Shape| {
            if inputs == depth {
                Ok(after)
            } else {
                Err(format!("a layer takes {inputs} values but gets {depth}"))
            }
        };
        match self {
            Self::Window { columns, rows } => {
                Ok(Shape { depth: depth * (2 * columns + 1) * (2 * rows + 1), ..before })
            }
            Self::MaxPool { columns, rows } => match height / rows {
                0 => Err("it keeps no row".to_owned()),
                height => Ok(Shape { height, stride: stride * columns, ..before }),
            },
            Self::Dense(weights) | Self::Softmax(weights) => {
                takes(weights.inputs(), Shape { depth: weights.outputs(), ..before })
            }
            Self::Recurrent(cells) => takes(cells.inputs(), Shape { depth: cells.count(), ..before }),
            Self::Transposed(layer) => match layer.as_ref() {
                Self::Summary(cells) => {
                    takes(cells.inputs(), Shape { height: 1, depth: cells.count(), stride })
                }
                _ => Err("a transposed layer is not of the supported kind".to_owned()),
            },
            Self::Reversed(layer) => layer.shape(before),
            Self::Tanh => Ok(before),
            Self::Input { .. } | Self::Series(_) | Self::Summary(_) => {
                Err("its layers are in an unsupported order".to_owned())
            }
        }
    }

    fn run(&self, mut grid: Grid) -> Grid {
        match self {
            Self::Window { columns, rows } => grid.window(*columns, *rows),
            Self::MaxPool { columns, rows } => grid.max_pool(*columns, *rows),
            Self::Dense(weights) => grid.multiplied(weights),
            Self::Tanh => {
                matrix::tanh_all(&mut grid.values);
                grid
            }
            Self::Softmax(weights) => {
                let mut grid = grid.multiplied(weights);
                grid.values.chunks_exact_mut(weights.outputs().max(1)).for_each(softmax);
                grid
            }
            Self::Recurrent(cells) => {
                let Grid { height, width, .. } = grid;
                let values = cells.read(width, height, &grid.transposed().values);
                Grid { height: width, width: height, depth: cells.count(), values }.transposed()
            }
            Self::Summary(cells) => {
                let Grid { height, width, .. } = grid;
                let mut values = cells.read(width, height, &grid.transposed().values);
                values.drain(..values.len().saturating_sub(height * cells.count()));
                Grid { height, width: 1, depth: cells.count(), values }
            }
            Self::Transposed(layer) => layer.run(grid.transposed()).transposed(),
            Self::Reversed(layer) => layer.run(grid.reversed()).reversed(),
            Self::Series(layers) => layers.iter().fold(grid, |grid, layer| layer.run(grid)),
            Self::Input { .. } => grid,
        }
    }
}

impl Cells {
    pub(super) fn new(from_input: Matrix, from_output: Matrix) -> Self {
        Self { from_input, from_output }
    }

    fn inputs(&self) -> usize {
        self.from_input.inputs()
    }

    /// Cells in the layer, and so values in its output.
    fn count(&self) -> usize {
        self.from_output.inputs()
    }

    /// Reads `rows` sequences of `steps` steps at once; `values` and the result are step by step, row by row.
    fn read(&self, steps: usize, rows: usize, values: &[f32]) -> Vec<f32> {
        let (inputs, count) = (self.inputs(), self.count());
        let mut outputs = vec![0.0; steps * rows * count];
        if outputs.is_empty() || inputs == 0 {
            return outputs;
        }
        let mut last = vec![0.0; rows * count];
        let mut states = vec![0.0; rows * count];
        let mut recurrent = vec![0.0; rows * 4 * count];
        let shared = (SHARED_ROWS / rows).max(1);
        let blocks = values.chunks(shared * rows * inputs).zip(outputs.chunks_mut(shared * rows * count));
        for (values, outputs) in blocks {
            let mut gates = vec![0.0; values.len() / inputs * 4 * count];
            self.from_input.multiply(values, &mut gates);
            let steps = gates.chunks_exact_mut(rows * 4 * count).zip(outputs.chunks_exact_mut(rows * count));
            for (gates, outputs) in steps {
                self.from_output.multiply(&last, &mut recurrent);
                gates.iter_mut().zip(&recurrent).for_each(|(gate, more)| *gate += more);
                let rows = gates.chunks_exact(4 * count).zip(states.chunks_exact_mut(count));
                for ((gates, states), outputs) in rows.zip(outputs.chunks_exact_mut(count)) {
                    let (first, second) = gates.split_at(2 * count);
                    let ((cell, input), (forget, output)) = (first.split_at(count), second.split_at(count));
                    matrix::step([cell, input, forget, output], states, outputs);
                }
                last.copy_from_slice(outputs);
            }
        }
        outputs
    }
}

impl Grid {
    fn row(&self, y: usize) -> &[f32] {
        let length = self.width * self.depth;
        self.values.get(y * length..(y + 1) * length).unwrap_or_default()
    }

    /// The values around each place: columns from left to right, in a column from top to bottom. Outside there is
    /// mid-grey, the mean of the noise that stood there in training.
    fn window(&self, columns: usize, rows: usize) -> Self {
        let (across, down) = (2 * columns + 1, 2 * rows + 1);
        let depth = self.depth * across * down;
        let mut values = vec![0.0; self.height * self.width * depth];
        for (y, line) in values.chunks_exact_mut((self.width * depth).max(1)).enumerate() {
            for dy in 0..down {
                let Some(source) = (y + dy).checked_sub(rows).filter(|&from| from < self.height) else {
                    continue;
                };
                let source = self.row(source);
                for dx in 0..across {
                    let to = (dx * down + dy) * self.depth;
                    // Places whose column `x + dx - columns` is in the picture.
                    let from = columns.saturating_sub(dx);
                    let until = (self.width + columns).saturating_sub(dx).min(self.width);
                    for x in from..until {
                        let at = (x + dx - columns) * self.depth;
                        let place = x * depth + to;
                        line[place..place + self.depth].copy_from_slice(&source[at..at + self.depth]);
                    }
                }
            }
        }
        Self { depth, values, ..*self }
    }

    fn max_pool(&self, columns: usize, rows: usize) -> Self {
        let (height, width) = (self.height / rows, self.width / columns);
        let mut values = vec![f32::NEG_INFINITY; height * width * self.depth];
        for (y, line) in values.chunks_exact_mut((width * self.depth).max(1)).enumerate() {
            for source in (y * rows..(y + 1) * rows).map(|y| self.row(y)) {
                let blocks = source.chunks_exact(columns * self.depth);
                for (place, block) in line.chunks_exact_mut(self.depth).zip(blocks) {
                    for values in block.chunks_exact(self.depth) {
                        place
                            .iter_mut()
                            .zip(values)
                            .for_each(|(highest, value)| *highest = highest.max(*value));
                    }
                }
            }
        }
        Self { height, width, depth: self.depth, values }
    }

    fn multiplied(&self, weights: &Matrix) -> Self {
        let mut values = vec![0.0; self.height * self.width * weights.outputs()];
        weights.multiply(&self.values, &mut values);
        Self { depth: weights.outputs(), values, ..*self }
    }

    fn transposed(self) -> Self {
        if self.height == 1 || self.width == 1 {
            return Self { height: self.width, width: self.height, ..self };
        }
        let mut values = Vec::with_capacity(self.values.len());
        for x in 0..self.width {
            for y in 0..self.height {
                let at = (y * self.width + x) * self.depth;
                values.extend_from_slice(&self.values[at..at + self.depth]);
            }
        }
        Self { height: self.width, width: self.height, depth: self.depth, values }
    }

    fn reversed(&self) -> Self {
        let length = (self.width * self.depth).max(1);
        let values = self
            .values
            .chunks_exact(length)
            .flat_map(|row| row.chunks_exact(self.depth).rev().flatten())
            .copied()
            .collect();
        Self { values, ..*self }
    }
}

/// Makes probabilities of any values.
fn softmax(values: &mut [f32]) {
    let highest = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    values.iter_mut().for_each(|value| *value = (*value - highest).exp());
    let sum: f32 = values.iter().sum();
    values.iter_mut().for_each(|value| *value /= sum);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbered(height: usize, width: usize) -> Grid {
        Grid { height, width, depth: 1, values: (1..=height * width).map(|value| value as f32).collect() }
    }

    #[test]
    fn a_window_goes_down_its_columns_and_is_grey_outside() {
        let window = numbered(3, 4).window(1, 1);
        assert_eq!(window.depth, 9);
        assert_eq!(window.values[..9], [0.0, 0.0, 0.0, 0.0, 1.0, 5.0, 0.0, 2.0, 6.0]);
        assert_eq!(window.values[5 * 9..6 * 9], [1.0, 5.0, 9.0, 2.0, 6.0, 10.0, 3.0, 7.0, 11.0]);
        assert_eq!(window.values[11 * 9..], [7.0, 11.0, 0.0, 8.0, 12.0, 0.0, 0.0, 0.0, 0.0]);
    }

    #[test]
    fn pooling_keeps_the_highest_and_drops_what_is_left_over() {
        let pooled = numbered(4, 5).max_pool(2, 3);
        assert_eq!((pooled.height, pooled.width), (1, 2));
        assert_eq!(pooled.values, [12.0, 14.0]);
    }

    #[test]
    fn turning_twice_and_reversing_twice_gives_the_same() {
        let grid = numbered(3, 4);
        assert_eq!(numbered(3, 4).transposed().values[..4], [1.0, 5.0, 9.0, 2.0]);
        assert_eq!(numbered(3, 4).transposed().transposed().values, grid.values);
        assert_eq!(grid.reversed().values[..5], [4.0, 3.0, 2.0, 1.0, 8.0]);
        assert_eq!(grid.reversed().reversed().values, grid.values);
    }

    #[test]
    fn rows_are_read_alike_alone_and_together() {
        let weights: Vec<u8> = (0..8 * 6).map(|index| (index * 37 % 251) as u8).collect();
        let part = |from: usize, count: usize| {
            let rows = weights.chunks_exact(6).map(|row| (row[from..from + count].to_vec(), row[5], 0.01f32));
            let rows: Vec<_> = rows.collect();
            Matrix::new(count, rows.iter().map(|(row, bias, scale)| (row.as_slice(), *bias, *scale)))
        };
        let cells = Cells::new(part(0, 3), part(3, 2));
        let line = |row: usize| (0..4 * 3).map(move |index| ((index * 29 + row * 53) % 200) as f32 - 100.0);
        let (one, two): (Vec<f32>, Vec<f32>) = (line(0).collect(), line(1).collect());
        let together: Vec<f32> =
            one.chunks(3).zip(two.chunks(3)).flat_map(|(one, two)| [one, two].concat()).collect();
        let (one, two) = (cells.read(4, 1, &one), cells.read(4, 1, &two));
        let alone: Vec<f32> =
            one.chunks(2).zip(two.chunks(2)).flat_map(|(one, two)| [one, two].concat()).collect();
        assert_eq!(cells.read(4, 2, &together), alone);
        assert!(alone.iter().any(|value| value.abs() > 5.0));
    }
}
