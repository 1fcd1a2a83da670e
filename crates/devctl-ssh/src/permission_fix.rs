use crate::client_config::Platform;

/// How `ssh` begins to say that others may write a configuration, which it then does not read at all.
const COMPLAINT: &str = "Bad owner or permissions on ";

/// The file that `ssh` complains about, if it does.
pub(crate) fn complained_about(message: &str) -> Option<&str> {
    message
        .lines()
        .find_map(|line| line.split_once(COMPLAINT))
        .map(|(_, file)| file.trim())
}

/// The command that makes the file its owner's alone. On Windows by the numbers of the accounts, whose names depend on
/// the language: 18 is the system, 32-544 are the administrators, and nobody else may write.
pub(crate) fn permission_fix(file: &str, platform: Platform) -> String {
    match platform {
        Platform::Unix => format!(
            "run: chown \"$(id -un)\" '{0}' && chmod 600 '{0}'",
            file.replace('\'', "'\\''")
        ),
        Platform::Windows => format!(
            "run: icacls \"{file}\" /inheritance:r /grant:r \"%USERNAME%:F\" \"*S-1-5-18:F\" \"*S-1-5-32-544:F\""
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_is_one_that_the_platform_takes() {
        let message = "Bad owner or permissions on /home/o'brien/.ssh/config\r\n";
        let file = complained_about(message).unwrap();
        assert_eq!(
            permission_fix(file, Platform::Unix),
            r#"run: chown "$(id -un)" '/home/o'\''brien/.ssh/config' && chmod 600 '/home/o'\''brien/.ssh/config'"#
        );
        let message = r"Bad owner or permissions on C:\Users\Jo Doe/.ssh/config";
        assert_eq!(
            permission_fix(complained_about(message).unwrap(), Platform::Windows),
            "run: icacls \"C:\\Users\\Jo Doe/.ssh/config\" /inheritance:r /grant:r \"%USERNAME%:F\" \"*S-1-5-18:F\" \
             \"*S-1-5-32-544:F\""
        );
        assert_eq!(complained_about("config line 3: Bad configuration option"), None);
    }
}
