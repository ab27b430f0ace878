//! The import `clock`.

use super::super::bindings::ocriva::extract::clock;
use super::super::imports::CallState;

impl clock::Host for CallState {
    fn now(&mut self) -> wasmtime::Result<f64> {
        self.budget.host_call()?;
        let micros = self.services.clock.now().0;
        Ok(micros.div_euclid(1000) as f64)
    }

    fn elapsed(&mut self) -> wasmtime::Result<f64> {
        self.budget.host_call()?;
        Ok(self.began_at.elapsed().as_secs_f64() * 1000.0)
    }
}
