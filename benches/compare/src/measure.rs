//! Times of one shape: every round runs each contestant once.

use std::time::Duration;

use anyhow::{Result, anyhow, ensure};
use wgpu_softmax::{Shape, cpu};

use crate::oracle::{Errors, Oracle};
use crate::protocol::{Place, Sample};
use crate::report::{Cell, Line, Times, Versus};
use crate::rows::uniform;
use crate::team::{Member, Team};

/// Runs before the first round: they compile, tune and touch memory.
const WARM_UP: usize = 2;
/// Between two contestants, so that threads that spin after their work have gone to sleep.
const PAUSE: Duration = Duration::from_millis(2);

/// A contestant's rounds, or why it dropped out.
type Rounds = Result<Vec<Sample>>;

/// Measures a shape in one place.
pub fn shape(team: &mut Team<'_>, place: Place, rows: usize, cols: usize, rounds: usize) -> Result<Line> {
    let x = uniform(rows * cols);
    let input = team.input(&x)?;
    let begin = |member: &mut Member<'_>| -> Rounds {
        member.prepare(place, rows, cols, &input)?;
        (0..WARM_UP).try_for_each(|_| member.run().map(drop))?;
        Ok(Vec::with_capacity(rounds))
    };
    let mut found: Vec<Rounds> = team.members.iter_mut().map(begin).collect();
    for round in 0..rounds {
        play(&mut team.members, &mut found, round);
    }
    let errors = check(team, &x, Shape::rows(rows, cols), &mut found)?;
    let threads = (place == Place::Cpu).then_some(team.section.threads);
    let cells = cells(&team.members, &found, &errors);
    Ok(Line { place, threads, rows, cols, cells })
}

/// One round, forwards or backwards in turn, so that none always follows the same one.
fn play(members: &mut [Member<'_>], found: &mut [Rounds], round: usize) {
    let count = members.len();
    for turn in 0..count {
        let who = if round.is_multiple_of(2) { turn } else { count - 1 - turn };
        let Ok(samples) = &mut found[who] else { continue };
        std::thread::sleep(PAUSE);
        match members[who].run() {
            Ok(sample) => samples.push(sample),
            Err(error) => found[who] = Err(error),
        }
    }
}

/// How far the results of the last round are from f64. Ours must have the specification's bits.
fn check(team: &mut Team<'_>, x: &[f32], shape: Shape, found: &mut [Rounds]) -> Result<Vec<Option<Errors>>> {
    let oracle = Oracle::new(x, shape.cols() as usize);
    let mut want = vec![0.0; x.len()];
    cpu::softmax(x, shape, &mut want)?;
    let mut errors = Vec::new();
    for (member, rounds) in team.members.iter_mut().zip(found) {
        let looked = rounds.is_ok().then(|| member.result());
        errors.push(match looked {
            Some(Ok(y)) => {
                let same = y.iter().map(|y| y.to_bits()).eq(want.iter().map(|y| y.to_bits()));
                let ours = member.contestant.name == "reproducible";
                ensure!(same || !ours, "the bits of {shape:?} in {} are not the CPU's", team.section);
                Some(oracle.errors(&y))
            }
            Some(Err(error)) => {
                *rounds = Err(anyhow!("no results: {error:#}"));
                None
            }
            None => None,
        });
    }
    Ok(errors)
}

fn cells(members: &[Member<'_>], found: &[Rounds], errors: &[Option<Errors>]) -> Vec<Cell> {
    let name = |who: usize| members[who].contestant.name.to_owned();
    let ours: Vec<usize> = (0..members.len())
        .filter(|&who| ["reproducible", "fast"].contains(&members[who].contestant.name))
        .collect();
    let cell = |who: usize| {
        let others = ours.iter().filter(|&&o| o != who);
        let versus = |samples: &Vec<Sample>| {
            others.filter_map(|&o| Some(Versus::of(samples, &name(o), found[o].as_ref().ok()?))).collect()
        };
        Cell {
            name: name(who),
            failed: found[who].as_ref().err().map(|error| format!("{error:#}")),
            errors: errors[who],
            times: found[who].as_ref().ok().map(|samples| Times::of(samples)),
            versus: found[who].as_ref().map_or_else(|_| Vec::new(), versus),
        }
    };
    (0..members.len()).map(cell).collect()
}
