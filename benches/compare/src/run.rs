//! The whole comparison: each section starts its contestants, measures every shape, looks at
//! accuracy and special rows once, and ends them.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Result;

use crate::contestants::{ALL, Contestant, Home, Section, peers, sections};
use crate::options::Options;
use crate::protocol::Place;
use crate::report::{Machine, Report, load};
use crate::team::Team;
use crate::{accuracy, measure, special};

/// Runs it and writes the report, also where a peer is missing; gives the folder.
///
/// # Errors
/// Where an option makes no sense, ours gives other bits than the CPU, or a file cannot be written.
pub fn run(options: &Options) -> Result<PathBuf> {
    options.check()?;
    let ours = ALL.into_iter().filter(|c| c.home == Home::Ours);
    let wanted: Vec<Contestant> = ours.chain(peers(&options.peers)?).collect();
    let mut report = Report { machine: Machine::here(), rounds: options.rounds(), ..Default::default() };
    let folder = tempfile::tempdir()?;
    let out = options.out.clone().unwrap_or_else(|| "peers-report".into());
    for section in useful(options, &wanted) {
        play(section, &wanted, options, folder.path(), &mut report)?;
        report.machine.load[1] = load();
        // What there is so far is kept if the rest is interrupted.
        report.write(&out)?;
    }
    Ok(out)
}

/// Those in which a peer could play.
fn useful(options: &Options, wanted: &[Contestant]) -> Vec<Section> {
    let some = |section: &Section| wanted.iter().any(|c| c.home != Home::Ours && c.plays(*section));
    sections(options).into_iter().filter(some).collect()
}

fn play(
    section: Section,
    wanted: &[Contestant],
    options: &Options,
    folder: &Path,
    report: &mut Report,
) -> Result<()> {
    let (mut team, missing) = Team::start(section, wanted, options, folder);
    for missing in &missing {
        eprintln!("{section}: without {}: {}", missing.name, missing.why);
    }
    report.missing.extend(missing);
    let present = team.present();
    let device = present.iter().map(|p| &p.hello.device).find(|device| !device.is_empty());
    report.machine.adapter = device.unwrap_or(&report.machine.adapter).clone();
    report.contestants.extend(present);
    let places = if section.place == Place::Cpu {
        [Place::Cpu].as_slice()
    } else {
        [Place::Kernel, Place::EndToEnd].as_slice()
    };
    for (rows, cols) in options.sizes() {
        let start = Instant::now();
        for &place in places {
            report.lines.push(measure::shape(&mut team, place, rows, cols, options.rounds())?);
        }
        eprintln!("{section}: {rows} x {cols}, {:.0} s", start.elapsed().as_secs_f64());
    }
    // What is computed does not depend on the number of threads as far as is looked at here.
    let name = if section.place == Place::Cpu { "CPU" } else { "GPU" };
    if !report.accuracy.iter().any(|line| line.section == name) {
        report.accuracy.extend(accuracy::lines(&mut team, name, options.quick)?);
        report.special.extend(special::lines(&mut team, name)?);
        eprintln!("{section}: accuracy and special rows");
    }
    Ok(())
}
