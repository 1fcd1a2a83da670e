use super::*;
use clap::CommandFactory;

fn parse(line: &[&str]) -> Command {
    Cli::try_parse_from([&["devctl"], line].concat())
        .unwrap_or_else(|error| panic!("{line:?}: {error}"))
        .command
}

fn refused(line: &[&str]) -> clap::error::ErrorKind {
    Cli::try_parse_from([&["devctl"], line].concat())
        .expect_err("a usage error")
        .kind()
}

#[test]
fn the_definition_holds_together() {
    Cli::command().debug_assert();
}

#[test]
fn every_command_and_option_has_help() {
    fn look(command: &clap::Command) {
        assert!(command.get_about().is_some(), "{}", command.get_name());
        for argument in command.get_arguments() {
            assert!(
                argument.get_help().is_some(),
                "{} of {}",
                argument.get_id(),
                command.get_name()
            );
        }
        command.get_subcommands().for_each(look);
    }
    look(&Cli::command());
}

#[test]
fn up_takes_the_folder_it_is_in() {
    let Command::Up(up) = parse(&["up"]) else {
        panic!("not up")
    };
    assert_eq!(up.source, ".");
}

#[test]
fn what_follows_the_container_of_exec_belongs_to_the_command() {
    for line in [
        ["exec", "-u", "dev", "hello", "--", "ls", "-l"],
        ["exec", "hello", "-u", "dev", "--", "ls", "-l"],
    ] {
        let Command::Exec(exec) = parse(&line) else {
            panic!("not exec")
        };
        assert_eq!(exec.user.as_deref(), Some("dev"));
        assert_eq!(exec.target.container, "hello");
        assert_eq!(exec.command, ["ls", "-l"]);
    }
    let Command::Exec(exec) = parse(&["exec", "hello", "ls", "--json", "-u"]) else {
        panic!("not exec")
    };
    assert_eq!(exec.command, ["ls", "--json", "-u"]);
}

#[test]
fn a_variable_needs_a_name_and_an_equals_sign() {
    assert_eq!(
        refused(&["exec", "-e", "=1", "hello", "true"]),
        clap::error::ErrorKind::ValueValidation
    );
    let Command::Exec(exec) = parse(&["exec", "-e", "A=b=c", "hello", "true"]) else {
        panic!("not exec")
    };
    assert_eq!(exec.env, [("A".to_owned(), "b=c".to_owned())]);
}

#[test]
fn ssh_tells_its_commands_from_containers() {
    let Command::Ssh(ssh) = parse(&["ssh", "status"]) else {
        panic!("not ssh")
    };
    assert!(matches!(ssh.command, Some(SshCommand::Status { .. })));

    let Command::Ssh(ssh) = parse(&["ssh", "--", "status"]) else {
        panic!("not ssh")
    };
    assert!(ssh.command.is_none());
    assert_eq!(ssh.container.as_deref(), Some("status"));

    let Command::Ssh(ssh) = parse(&["ssh", "hello", "install"]) else {
        panic!("not ssh")
    };
    assert_eq!(ssh.container.as_deref(), Some("hello"));
    assert_eq!(ssh.args, ["install"]);
}

#[test]
fn what_follows_the_container_of_ssh_goes_to_ssh() {
    for (line, expected) in [
        (vec!["ssh", "hello", "--", "ls", "-l"], vec!["ls", "-l"]),
        (vec!["ssh", "hello", "-L", "1:a:2"], vec!["-L", "1:a:2"]),
        (
            vec!["ssh", "hello", "-N", "-L", "1:a:2", "--", "ls", "--json"],
            vec!["-N", "-L", "1:a:2", "--", "ls", "--json"],
        ),
    ] {
        let Command::Ssh(ssh) = parse(&line) else {
            panic!("not ssh")
        };
        assert_eq!(ssh.args, expected, "{line:?}");
    }
}

#[test]
fn what_contradicts_itself_is_refused() {
    use clap::error::ErrorKind::{ArgumentConflict, MissingRequiredArgument};
    assert_eq!(refused(&["up", "--path", "--image", "."]), ArgumentConflict);
    assert_eq!(refused(&["exec", "-t", "-T", "hello", "true"]), ArgumentConflict);
    assert_eq!(refused(&["list", "-q", "-v"]), ArgumentConflict);
    assert_eq!(
        refused(&["settings", "set", "a", "b", "--default"]),
        ArgumentConflict
    );
    assert_eq!(refused(&["settings", "set", "a"]), MissingRequiredArgument);
    assert_eq!(refused(&["exec", "hello"]), MissingRequiredArgument);
    assert_eq!(refused(&["remove"]), MissingRequiredArgument);
}
