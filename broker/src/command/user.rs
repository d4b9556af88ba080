//! `tankline-broker user`: the users file.

use std::io::{self, IsTerminal, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use tankline_broker::{files, users};

/// Random bytes of a password that is made: 128 bits.
const PASSWORD_BYTES: usize = 16;

#[derive(Debug, Args)]
pub struct UserArgs {
    #[command(subcommand)]
    command: UserCommand,
}

#[derive(Debug, Subcommand)]
enum UserCommand {
    /// Adds a user, or gives one another password. A running broker takes it within some seconds.
    Add {
        /// The users file; it is made when there is none.
        #[arg(long, value_name = "FILE")]
        users: PathBuf,
        /// The user: {site}.{edge} for an edge, tankline-ingest for the centre.
        name: String,
        /// Takes the password from the first line of standard input. Without it one is made and printed.
        #[arg(long)]
        stdin: bool,
    },
    /// Removes a user. A running broker cuts it off within some seconds.
    Remove {
        /// The users file.
        #[arg(long, value_name = "FILE")]
        users: PathBuf,
        /// The user.
        name: String,
    },
}

/// Does what was asked of the users file.
pub fn run(args: &UserArgs) -> anyhow::Result<()> {
    match &args.command {
        UserCommand::Add { users, name, stdin } => add(users, name, *stdin),
        UserCommand::Remove { users, name } => remove(users, name),
    }
}

fn add(file: &Path, name: &str, stdin: bool) -> anyhow::Result<()> {
    if name.is_empty() || name.contains([':', '\n', '#']) || name.trim() != name {
        bail!("{name:?} cannot be a user: it is empty, or holds a colon, a # or a space at its ends");
    }
    let password = if stdin { read_password()? } else { make_password()? };
    let line = format!("{name}:{}", users::hash(password.as_bytes())?);
    let text = if file.exists() { read(file)? } else { String::new() };
    let mut lines: Vec<&str> = text.lines().filter(|line| user_of(line) != Some(name)).collect();
    lines.push(&line);
    replace(file, &lines)?;
    if stdin {
        println!("{}: {name} has the password that was given", file.display());
    } else {
        println!("{}: {name} has the password {password}", file.display());
    }
    Ok(())
}

fn remove(file: &Path, name: &str) -> anyhow::Result<()> {
    let text = read(file)?;
    let lines: Vec<&str> = text.lines().filter(|line| user_of(line) != Some(name)).collect();
    if lines.len() == text.lines().count() {
        bail!("{} names no user {name:?}", file.display());
    }
    replace(file, &lines)?;
    println!("{}: {name} is removed", file.display());
    Ok(())
}

fn user_of(line: &str) -> Option<&str> {
    let user = line.split_once(':').map(|(user, _)| user.trim())?;
    (!line.trim_start().starts_with('#')).then_some(user)
}

fn read(file: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))
}

/// Writes the file whole or not at all: a new one for its owner alone, else for those who had it.
fn replace(file: &Path, lines: &[&str]) -> anyhow::Result<()> {
    let written = files::replace(file, &(lines.join("\n") + "\n"), 0o600);
    written.with_context(|| format!("cannot write {}", file.display()))
}

fn read_password() -> anyhow::Result<String> {
    if io::stdin().is_terminal() {
        eprintln!("password (it is shown while you type):");
    }
    let mut text = String::new();
    io::stdin().take(4096).read_to_string(&mut text).context("cannot read the password")?;
    match text.lines().next() {
        Some(password) if !password.is_empty() => Ok(password.to_owned()),
        _ => bail!("there is no password in the first line of standard input"),
    }
}

fn make_password() -> anyhow::Result<String> {
    let mut bytes = [0; PASSWORD_BYTES];
    getrandom::fill(&mut bytes).context("no random numbers are to be had")?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
