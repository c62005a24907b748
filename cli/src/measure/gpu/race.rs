//! Several ways to compute one batch, timed in turn: what disturbs one round disturbs all of them.

use wgpu_softmax::gpu::{Options, Plan};
use wgpu_softmax::{Error, Op};

use super::Gpu;
use crate::measure::{Batch, Refusal};

/// A way to compute, and its times in seconds, one per round.
#[derive(Clone, Debug)]
pub struct Runner {
    /// How.
    pub options: Options,
    /// Round by round.
    pub seconds: Vec<f64>,
}

impl Runner {
    /// The median over the rounds of its time over another's.
    pub fn ratio_to(&self, other: &Self) -> f64 {
        let mut ratios: Vec<f64> = self.seconds.iter().zip(&other.seconds).map(|(a, b)| a / b).collect();
        ratios.sort_by(f64::total_cmp);
        ratios[ratios.len() / 2]
    }

    /// Its median time.
    pub fn median(&self) -> f64 {
        let mut seconds = self.seconds.clone();
        seconds.sort_by(f64::total_cmp);
        seconds[seconds.len() / 2]
    }
}

impl Gpu {
    /// Times each of the options that take the batch, in turn, so many rounds. Their answers are
    /// compared with the specification first.
    ///
    /// # Errors
    /// [`Refusal`] where an answer is wrong or the device fails; options that do not take the shape are
    /// left out.
    pub fn race(
        &mut self,
        field: &[Options],
        op: Op,
        batch: &mut Batch,
        rounds: usize,
    ) -> Result<Vec<Runner>, Refusal> {
        self.fill_ring(batch)?;
        let mut ready: Vec<(Runner, Vec<Plan>)> = Vec::new();
        for options in field {
            pollster::block_on(self.context.set_options(options.clone()))?;
            match self.plans(op, batch.shape()) {
                Ok(plans) => {
                    self.check(&plans, op, batch)?;
                    ready.push((Runner { options: options.clone(), seconds: Vec::new() }, plans));
                }
                Err(Error::Kernel { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        for round in 0..rounds.max(1) {
            for (runner, plans) in &mut ready {
                let plan = &plans[(round + 1) % plans.len()];
                runner.seconds.push(self.timer.time(|pass| plan.record(pass))?.as_secs_f64());
            }
        }
        Ok(ready.into_iter().map(|(runner, _)| runner).collect())
    }
}
