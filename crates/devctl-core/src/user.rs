//! The user of a container: who it is, and how its ids are aligned with those of the person outside.
//!
//! Alignment edits two files of the container before its first start and then gives the home directory to the new ids.
//! It adds no image layer, and never touches what is mounted.

use crate::agent::{Entry, archive, read_file};
use crate::config::CoreConfig;
use crate::error::OrProblem;
use crate::jobs::JobHandle;
use devctl_agent_protocol::{OWN_ARGUMENT, OwnReport};
use devctl_engine::{Endpoint, Engine, ExecRequest, Transport};
use devctl_model::{ErrorCode, Problem};
use devctl_spec::plan::ContainerPlan;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

const PASSWD_AT_MOST: usize = 4 * 1024 * 1024;

/// The user of terminals, hooks and logins: the configuration's, else the container's, else the image's, else root.
pub(crate) fn remote_user(plan: &ContainerPlan, image_user: &str) -> String {
    let chosen = plan
        .remote_user
        .clone()
        .or_else(|| plan.run.user.clone())
        .unwrap_or_else(|| image_user.to_owned());
    let name = chosen.split(':').next().unwrap_or_default();
    if name.is_empty() {
        "root".to_owned()
    } else {
        name.to_owned()
    }
}

/// The user as an engine is told: root by its number, which engines need no `/etc/passwd` of the image for.
pub(crate) fn for_engine(user: &str) -> &str {
    if user == "root" { "0" } else { user }
}

/// Ids that change, and the home that has to follow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Alignment {
    from: (u32, u32),
    to: (u32, u32),
    home: String,
}

/// Aligns the ids of a container that has not started yet. None where there is nothing to align.
pub(crate) async fn align(
    engine: &Arc<dyn Engine>,
    endpoint: &Endpoint,
    config: &CoreConfig,
    container: &str,
    user: &str,
    wanted: bool,
    job: &JobHandle,
) -> Result<Option<Alignment>, Problem> {
    const STEP: &str = "Align the user";
    if matches!(user, "root" | "0") {
        return Ok(None);
    }
    let local = matches!(endpoint.transport(), Ok(Transport::Unix(_)));
    let align = wanted && cfg!(target_os = "linux") && local && config.uid != 0;
    let Some(passwd) = read_file(engine, container, "/etc/passwd", PASSWD_AT_MOST).await? else {
        return Ok(None);
    };
    let text = String::from_utf8_lossy(&passwd.bytes).into_owned();
    if !text.lines().any(|line| is_user(line, user)) {
        if user.bytes().all(|byte| byte.is_ascii_digit()) {
            return Ok(None);
        }
        return Err(Problem::new(
            ErrorCode::UserNotFound,
            format!("there is no user {user} in the image"),
        )
        .at(STEP)
        .fix("Correct remoteUser or containerUser, or make the user in the Dockerfile")
        .safe("nothing was started"));
    }
    if !align {
        return Ok(None);
    }
    let group = read_file(engine, container, "/etc/group", PASSWD_AT_MOST).await?;
    let groups = group
        .as_ref()
        .map(|group| String::from_utf8_lossy(&group.bytes).into_owned())
        .unwrap_or_default();
    let edited = match edit(&text, &groups, user, (config.uid, config.gid)) {
        Edit::Nothing => return Ok(None),
        Edit::Taken(other) => {
            job.note(&format!(
                "The user id {} belongs to {other} in the image, so {user} keeps its own",
                config.uid
            ));
            return Ok(None);
        }
        Edit::Done(edited) => edited,
    };
    let mut files = vec![Entry {
        path: "etc/passwd",
        bytes: edited.passwd.as_bytes(),
        mode: passwd.mode,
        uid: passwd.uid,
        gid: passwd.gid,
    }];
    if let Some(group) = &group {
        files.push(Entry {
            path: "etc/group",
            bytes: edited.group.as_bytes(),
            mode: group.mode,
            uid: group.uid,
            gid: group.gid,
        });
    }
    engine.copy_in(container, "/", archive(&files)?).await.at(STEP)?;
    Ok(Some(edited.alignment))
}

/// Gives the home directory to the new ids, once the container runs.
pub(crate) async fn own_home(
    engine: &Arc<dyn Engine>,
    container: &str,
    agent: &str,
    alignment: &Alignment,
    job: &JobHandle,
) -> Result<(), Problem> {
    const STEP: &str = "Align the user";
    job.step(STEP);
    let ids = |(uid, gid): (u32, u32)| format!("{uid}:{gid}");
    let request = ExecRequest {
        cmd: vec![
            agent.to_owned(),
            OWN_ARGUMENT.to_owned(),
            ids(alignment.from),
            ids(alignment.to),
            alignment.home.clone(),
        ],
        user: Some("0:0".to_owned()),
        ..ExecRequest::default()
    };
    let finished = engine
        .exec(container, &request)
        .await
        .at(STEP)?
        .finish(&[], 64 * 1024)
        .await
        .at(STEP)?;
    if finished.code != 0 {
        let mut problem = Problem::new(
            ErrorCode::UserAlignFailed,
            format!("the files of {} could not be given to your ids", alignment.home),
        )
        .at(STEP)
        .fix("Say \"updateRemoteUserUID\": false in devcontainer.json to leave the ids as they are");
        problem.lines = String::from_utf8_lossy(&finished.stderr)
            .lines()
            .map(str::to_owned)
            .take(20)
            .collect();
        return Err(problem);
    }
    match serde_json::from_slice::<OwnReport>(&finished.stdout) {
        Ok(report) => job.detail(format!("{} files", report.changed)),
        Err(error) => tracing::debug!(%error, "the report of the alignment cannot be read"),
    }
    Ok(())
}

enum Edit {
    Nothing,
    Taken(String),
    Done(Edited),
}

struct Edited {
    passwd: String,
    group: String,
    alignment: Alignment,
}

fn is_user(line: &str, user: &str) -> bool {
    let mut fields = line.split(':');
    fields.next() == Some(user) || fields.nth(1) == Some(user)
}

/// The rule of the reference: a user id that another user has is left alone; a group id that another group has keeps
/// the old group.
fn edit(passwd: &str, group: &str, user: &str, (uid, gid): (u32, u32)) -> Edit {
    let field = |line: &str, index: usize| line.split(':').nth(index).unwrap_or_default().to_owned();
    let Some(line) = passwd.lines().find(|line| is_user(line, user)) else {
        return Edit::Nothing;
    };
    let (name, home) = (field(line, 0), field(line, 5));
    let (Ok(old_uid), Ok(old_gid)) = (field(line, 2).parse::<u32>(), field(line, 3).parse::<u32>()) else {
        return Edit::Nothing;
    };
    let taken = passwd
        .lines()
        .find(|line| field(line, 2) == uid.to_string() && field(line, 0) != name);
    if let Some(other) = taken {
        return Edit::Taken(field(other, 0));
    }
    let own_group = group
        .lines()
        .find(|line| field(line, 2) == old_gid.to_string())
        .map(|line| field(line, 0));
    let group_taken = group
        .lines()
        .any(|line| field(line, 2) == gid.to_string() && Some(field(line, 0)) != own_group);
    let gid = if group_taken || old_gid == 0 { old_gid } else { gid };
    if (old_uid, old_gid) == (uid, gid) || old_uid == 0 {
        return Edit::Nothing;
    }
    let replace = |text: &str, wanted: &str, change: &dyn Fn(&mut Vec<String>)| {
        let lines = text.split_inclusive('\n').map(|line| {
            let (body, end) = line.strip_suffix('\n').map_or((line, ""), |body| (body, "\n"));
            let mut fields: Vec<String> = body.split(':').map(str::to_owned).collect();
            if fields.first().is_some_and(|first| first == wanted) && fields.len() > 3 {
                change(&mut fields);
            }
            fields.join(":") + end
        });
        lines.collect::<String>()
    };
    Edit::Done(Edited {
        passwd: replace(passwd, &name, &|fields| {
            fields[2] = uid.to_string();
            fields[3] = gid.to_string();
        }),
        group: match own_group.filter(|_| gid != old_gid) {
            Some(own) => replace(group, &own, &|fields| fields[2] = gid.to_string()),
            None => group.to_owned(),
        },
        alignment: Alignment {
            from: (old_uid, old_gid),
            to: (uid, gid),
            home,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &str = "root:x:0:0:root:/root:/bin/bash\nubuntu:x:1000:1000::/home/ubuntu:/bin/sh\ndev:x:1500:1500:,,:/home/dev:/bin/bash\n";
    const GROUP: &str = "root:x:0:\nubuntu:x:1000:\ndev:x:1500:\nstaff:x:50:dev\n";

    fn done(edit: Edit) -> Edited {
        match edit {
            Edit::Done(edited) => edited,
            Edit::Nothing => panic!("nothing"),
            Edit::Taken(other) => panic!("taken by {other}"),
        }
    }

    #[test]
    fn user_and_group_follow_the_person_outside() {
        let edited = done(edit(PASSWD, GROUP, "dev", (100_055, 100_055)));
        assert!(
            edited
                .passwd
                .contains("dev:x:100055:100055:,,:/home/dev:/bin/bash\n")
        );
        assert!(edited.group.contains("dev:x:100055:\n"));
        assert!(edited.passwd.starts_with("root:x:0:0:") && edited.passwd.contains("ubuntu:x:1000:1000:"));
        assert_eq!(edited.alignment.home, "/home/dev");
    }

    #[test]
    fn ids_that_others_have_are_left_alone() {
        assert!(matches!(edit(PASSWD, GROUP, "dev", (1000, 1000)), Edit::Taken(other) if other == "ubuntu"));
        let edited = done(edit(PASSWD, GROUP, "dev", (1600, 50)));
        assert!(
            edited.passwd.contains("dev:x:1600:1500:"),
            "the group id belongs to staff"
        );
        assert_eq!(edited.group, GROUP);
        assert!(matches!(edit(PASSWD, GROUP, "dev", (1500, 1500)), Edit::Nothing));
        assert!(matches!(
            edit(PASSWD, GROUP, "root", (1500, 1500)),
            Edit::Taken(_)
        ));
        assert!(matches!(edit(PASSWD, GROUP, "root", (1501, 1501)), Edit::Nothing));
    }
}
