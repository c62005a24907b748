//! What is measured of each shape: operations, precisions, kernels.

use wgpu_softmax::cpu::SimdLevel;
use wgpu_softmax::gpu::Kernel;
use wgpu_softmax::{OpKind, Precision};

use crate::failure::Failure;

/// Which kernels of a device.
#[derive(Debug, PartialEq)]
pub enum Kernels {
    /// The planner's choice.
    Planned,
    /// Every one.
    All,
    /// Those of these names.
    Named(Vec<String>),
}

impl Kernels {
    /// From `--kernel`.
    pub fn parse(names: &[String]) -> Result<Self, Failure> {
        let names: Vec<String> = words(names).collect();
        if names.iter().any(|name| name == "all") {
            return Ok(Kernels::All);
        }
        let levels = SimdLevel::available().into_iter().map(SimdLevel::name);
        let known: Vec<_> = Kernel::ALL.map(Kernel::name).into_iter().chain(levels).collect();
        match names.iter().find(|name| *name != "planned" && !known.contains(&name.as_str())) {
            Some(name) => Err(Failure::Cannot(format!(
                "there is no kernel {name:?}; there are planned, all, {}",
                known.join(", ")
            ))),
            None if names.iter().all(|name| name == "planned") => Ok(Kernels::Planned),
            None => Ok(Kernels::Named(names)),
        }
    }

    /// Those that a device has of them, each once, the planner's choice among them where it is asked for.
    pub fn of(&self, there: &[&'static str], planned: Option<&'static str>) -> Vec<&'static str> {
        let wanted = |name: &&&str| match self {
            Kernels::Planned => Some(**name) == planned,
            Kernels::All => true,
            Kernels::Named(names) => names
                .iter()
                .any(|wanted| wanted == **name || (wanted == "planned" && Some(**name) == planned)),
        };
        there.iter().filter(wanted).copied().collect()
    }
}

/// From `--op`.
pub fn operations(names: &[String]) -> Result<Vec<OpKind>, Failure> {
    pick("operation", names, &OpKind::ALL, OpKind::name)
}

/// From `--precision`.
pub fn precisions(names: &[String]) -> Result<Vec<Precision>, Failure> {
    pick("precision", names, &[Precision::Reproducible, Precision::Fast], precision)
}

/// A precision's name on the command line.
pub fn precision(precision: Precision) -> &'static str {
    match precision {
        Precision::Fast => "fast",
        _ => "reproducible",
    }
}

fn pick<T: Copy>(
    what: &str,
    names: &[String],
    there: &[T],
    name_of: fn(T) -> &'static str,
) -> Result<Vec<T>, Failure> {
    let mut names: Vec<String> = words(names).collect();
    if names.iter().any(|name| name == "all") {
        names = there.iter().map(|one| name_of(*one).to_owned()).collect();
    }
    if let Some(unknown) = names.iter().find(|name| there.iter().all(|one| name_of(*one) != name.as_str())) {
        let known: Vec<_> = there.iter().map(|one| name_of(*one)).collect();
        return Err(Failure::Cannot(format!(
            "there is no {what} {unknown:?}; there are all, {}",
            known.join(", ")
        )));
    }
    Ok(there.iter().copied().filter(|one| names.iter().any(|name| name == name_of(*one))).collect())
}

/// The words of a list that was given at once or piece by piece.
fn words(names: &[String]) -> impl Iterator<Item = String> {
    names.iter().flat_map(|name| name.split(',')).map(|name| name.trim().to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn kernels_are_named_once() {
        let there = ["thread", "tile", "split"];
        let of = |text: &str| Kernels::parse(&list(text)).unwrap().of(&there, Some("tile"));
        assert_eq!(of("planned"), ["tile"]);
        assert_eq!(of("all"), there);
        assert_eq!(of("planned,split"), ["tile", "split"]);
        assert_eq!(of("tile planned"), ["tile"]);
        assert!(of("subgroup").is_empty());
    }

    #[test]
    fn unknown_names_are_told_with_those_that_there_are() {
        let said = |failure| match failure {
            Failure::Cannot(line) => line,
            other => panic!("{other:?}"),
        };
        assert!(
            said(Kernels::parse(&list("warp")).unwrap_err())
                .contains("no kernel \"warp\"; there are planned")
        );
        assert!(said(operations(&list("sum")).unwrap_err()).contains("all, softmax, log-softmax"));
        assert!(said(precisions(&list("exact")).unwrap_err()).contains("all, reproducible, fast"));
        assert_eq!(precisions(&list("all")).unwrap().len(), 2);
        assert_eq!(operations(&list("logsumexp,softmax")).unwrap(), [OpKind::Softmax, OpKind::LogSumExp]);
    }
}
