//! Images, volumes and networks on a real engine, through the command line.

use crate::containers::{config, up};
use crate::sandbox::{IMAGE, Ran, Sandbox};
use std::fs;

/// Volumes, networks and images that go with the test.
struct Things<'a> {
    home: &'a Sandbox,
    made: Vec<[String; 2]>,
}

impl<'a> Things<'a> {
    fn of(home: &'a Sandbox) -> Self {
        Self {
            home,
            made: Vec::new(),
        }
    }

    /// A name that no other test has; what gets it is removed at the end.
    fn name(&mut self, kind: &str, end: &str) -> String {
        let unique = self
            .home
            .home()
            .file_name()
            .unwrap()
            .to_string_lossy()
            .to_lowercase();
        let unique: String = unique.chars().filter(char::is_ascii_alphanumeric).collect();
        let name = format!("{unique}-{end}");
        self.made.push([kind.to_owned(), name.clone()]);
        name
    }
}

impl Drop for Things<'_> {
    fn drop(&mut self) {
        for [kind, name] in self.made.iter().rev() {
            // What the test has removed itself is not there any more.
            let _ = docker(self.home, &[kind, "rm", name]);
        }
    }
}

fn docker(home: &Sandbox, args: &[&str]) -> Ran {
    Ran::of(home.command("docker").args(args))
}

#[test]
fn an_image_is_named_shown_and_goes() {
    let Some(home) = Sandbox::with_engine() else {
        return;
    };
    let mut things = Things::of(&home);
    let name = format!("{}:1", things.name("image", "tagged"));
    home.run(&["image", "tag", IMAGE, &name]).expect(0);

    let list = home.run(&["image", "list", "--json"]).expect(0).json();
    let found = list.as_array().unwrap().iter();
    let found: Vec<_> = found
        .filter(|image| image["names"].as_array().unwrap().contains(&name.as_str().into()))
        .collect();
    assert_eq!(found.len(), 1, "{list}");
    let docker_says = docker(
        &home,
        &["image", "inspect", "--format", "{{.Id}} {{.Size}}", &name],
    )
    .expect(0);
    assert_eq!(
        docker_says.stdout().trim(),
        format!("{} {}", found[0]["id"].as_str().unwrap(), found[0]["size"])
    );
    let table = home.run(&["image", "list"]).expect(0).stdout();
    assert!(table.contains(&name), "{table}");

    let shown = home.run(&["image", "show", "--json", &name]).expect(0).json();
    assert_eq!(shown["id"], found[0]["id"]);
    assert!(
        shown["platform"].as_str().unwrap().starts_with("linux/"),
        "{shown}"
    );
    let history = home.run(&["image", "history", "--json", &name]).expect(0).json();
    assert!(!history.as_array().unwrap().is_empty());

    let removed = home.run(&["image", "remove", "--json", &name]).expect(0).json();
    assert_eq!(removed["names"][0], name);
    let gone = home.run(&["image", "show", "--json", &name]).expect(3).json();
    assert_eq!(gone["error"]["code"], "image.not_found");
}

#[test]
fn what_devctl_built_is_known_as_its_own() {
    let Some(home) = Sandbox::with_engine() else {
        return;
    };
    let mut things = Things::of(&home);
    let name = format!("{}:1", things.name("image", "built"));
    let folder = home.home().join("context");
    fs::create_dir(&folder).unwrap();
    let unique = home.home().display();
    fs::write(
        folder.join("Dockerfile"),
        format!("FROM {IMAGE}\nARG WHO\nLABEL test=\"{unique} $WHO\"\n"),
    )
    .unwrap();
    let folder = folder.to_str().unwrap();
    let built = home
        .run(&[
            "image",
            "build",
            "--json",
            "--tag",
            &name,
            "--build-arg",
            "WHO=ann",
            folder,
        ])
        .expect(0)
        .json();
    assert_eq!(built["ours"], true, "{built}");
    assert_eq!(built["names"][0], name);
    let label = docker(
        &home,
        &["image", "inspect", "--format", "{{.Config.Labels.test}}", &name],
    );
    assert_eq!(label.stdout().trim(), format!("{unique} ann"));
    // Images of other homes are not looked at.
    let plan = home
        .run(&["image", "prune", "--dry-run", "--json"])
        .expect(0)
        .json();
    assert_eq!(plan["images"].as_array().unwrap().len(), 1, "{plan}");
    assert_eq!(plan["images"][0]["names"][0], name);
    home.run(&["image", "prune"]).expect(4);
    let cleaned = home
        .run(&["clean", "--json", "--yes", "--named-only", "--image", &name])
        .expect(0)
        .json();
    assert_eq!(cleaned["items"][0]["name"], name);
    home.run(&["image", "show", &name]).expect(3);
}

#[test]
fn files_go_into_a_volume_and_out_of_it_and_the_volume_into_a_file() {
    let Some(home) = Sandbox::with_engine() else {
        return;
    };
    let mut things = Things::of(&home);
    let (volume, copy) = (things.name("volume", "data"), things.name("volume", "copy"));
    home.run(&["volume", "create", &volume]).expect(0);
    home.run(&["volume", "create", &volume]).expect(1);

    let source = home.home().join("notes");
    fs::create_dir(&source).unwrap();
    fs::write(source.join("one.txt"), "one\n").unwrap();
    fs::write(source.join("big"), vec![7; 300_000]).unwrap();
    std::os::unix::fs::symlink("one.txt", source.join("link")).unwrap();
    let copied = home
        .run(&[
            "volume",
            "copy",
            "--json",
            source.to_str().unwrap(),
            &format!("{volume}:deep/er"),
        ])
        .expect(0)
        .json();
    assert_eq!(copied["place"], format!("{volume}:/deep/er/notes"));

    let shown = home
        .run(&["volume", "browse", "--json", &volume, "deep/er/notes"])
        .expect(0)
        .json();
    let names: Vec<&str> = shown["files"]
        .as_array()
        .unwrap()
        .iter()
        .map(|file| file["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["big", "link", "one.txt"], "{shown}");
    assert_eq!(shown["files"][0]["size"], 300_000);
    assert_eq!(shown["files"][1]["target"], "one.txt");
    let top = home
        .run(&["volume", "browse", "--json", &volume])
        .expect(0)
        .json();
    assert_eq!(top["files"][0]["kind"], "folder");
    assert_eq!(top["files"][0]["size"], 300_004, "a folder has all that is in it");
    for path in ["nowhere", "deep/er/notes/one.txt"] {
        let refused = home
            .run(&["volume", "browse", "--json", &volume, path])
            .expect(3)
            .json();
        assert_eq!(refused["error"]["code"], "volume.path", "{path}");
    }
    home.run(&["volume", "browse", &volume, "../etc"]).expect(2);

    let out = home.home().join("out.txt");
    let from = format!("{volume}:deep/er/notes/one.txt");
    home.run(&["volume", "copy", &from, out.to_str().unwrap()])
        .expect(0);
    assert_eq!(fs::read_to_string(&out).unwrap(), "one\n");
    let again = home
        .run(&["volume", "copy", &from, out.to_str().unwrap()])
        .expect(1);
    assert!(
        again.stderr().contains("nothing was overwritten"),
        "{}",
        again.stderr()
    );

    let file = home.home().join("data.tar.zst");
    let file = file.to_str().unwrap();
    let exported = home
        .run(&["volume", "export", "--json", &volume, file])
        .expect(0)
        .json();
    let sum = Ran::of(home.command("sha256sum").args(["--check", "data.tar.zst.sha256"])).expect(0);
    assert!(sum.stdout().contains("OK"));
    let imported = home
        .run(&["volume", "import", "--json", file, &copy])
        .expect(0)
        .json();
    assert_eq!(imported["sha256"], exported["sha256"]);
    assert_eq!(imported["checked"], true);
    let target = home.home().join("again");
    home.run(&[
        "volume",
        "copy",
        &format!("{copy}:deep/er/notes"),
        target.to_str().unwrap(),
    ])
    .expect(0);
    assert_eq!(fs::read(target.join("big")).unwrap(), vec![7; 300_000]);
    assert_eq!(
        fs::read_link(target.join("link")).unwrap().to_str(),
        Some("one.txt")
    );
    let full = home
        .run(&["volume", "import", "--json", file, &copy])
        .expect(4)
        .json();
    assert_eq!(full["error"]["code"], "volume.has_data");

    let mut damaged = fs::read(file).unwrap();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 1;
    fs::write(file, damaged).unwrap();
    let third = things.name("volume", "third");
    let refused = home
        .run(&["volume", "import", "--json", file, &third])
        .expect(1)
        .json();
    assert_eq!(refused["error"]["code"], "volume.archive");
    home.run(&["volume", "show", &third]).expect(3);

    // A volume with data goes only when it is named twice.
    let once = home
        .run(&["volume", "remove", "--json", &volume])
        .expect(4)
        .json();
    assert_eq!(once["error"]["code"], "volume.has_data");
    let once = home
        .run(&["clean", "--json", "--yes", "--named-only", "--volume", &volume])
        .expect(4)
        .json();
    assert_eq!(once["error"]["code"], "volume.has_data");
    home.run(&["volume", "remove", &volume, "--really", "another"])
        .expect(4);
    home.run(&["volume", "show", &volume]).expect(0);
    home.run(&["volume", "remove", &volume, "--really", &volume])
        .expect(0);
    home.run(&[
        "clean",
        "--yes",
        "--named-only",
        "--volume",
        &copy,
        "--really",
        &copy,
    ])
    .expect(0);
    home.run(&["volume", "show", &copy]).expect(3);

    let events = home
        .run(&["events", "--json", "--container", &volume])
        .expect(0)
        .json();
    let operations: Vec<&str> = events["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| event["operation"].as_str().unwrap())
        .collect();
    for operation in ["create_volume", "copy_volume", "export_volume", "remove_volume"] {
        assert!(
            operations.contains(&operation),
            "{operation} is not in {operations:?}"
        );
    }
}

#[test]
fn containers_that_are_put_together_find_each_other_by_name() {
    let Some(mut home) = Sandbox::with_engine() else {
        return;
    };
    let folders = [home.folder(&config("")), home.folder(&config(""))];
    let names = folders.map(|folder| {
        up(&home, folder.to_str().unwrap())["name"]
            .as_str()
            .unwrap()
            .to_owned()
    });
    let mut things = Things::of(&home);
    let network = things.name("network", "net");
    let made = home
        .run(&["network", "create", "--json", &network])
        .expect(0)
        .json();
    assert_eq!(made["subnets"].as_array().unwrap().len(), 1, "{made}");
    let finds = |from: &str, to: &str| home.run(&["exec", from, "getent", "hosts", to]).code() == 0;
    assert!(!finds(&names[0], &names[1]), "each has a network of its own");
    for name in &names {
        home.run(&["network", "join", &network, name]).expect(0);
        let again = home.run(&["network", "join", "--json", &network, name]).expect(0);
        assert_eq!(again.json()["changed"], false);
    }
    assert!(finds(&names[0], &names[1]) && finds(&names[1], &names[0]));
    let shown = home
        .run(&["network", "show", "--json", &network])
        .expect(0)
        .json();
    assert_eq!(shown["containers"].as_array().unwrap().len(), 2, "{shown}");
    let used = home
        .run(&["network", "remove", "--json", &network])
        .expect(1)
        .json();
    assert_eq!(used["error"]["code"], "engine.conflict");
    let own = format!("devctl-{}", names[0]);
    home.run(&["network", "leave", &own, &names[0]]).expect(2);
    for name in &names {
        home.run(&["network", "leave", &network, name]).expect(0);
    }
    assert!(!finds(&names[0], &names[1]));
    home.run(&["network", "remove", &network]).expect(0);
    home.run(&["network", "show", &network]).expect(3);

    let disk = home.run(&["disk", "--json"]).expect(0).json();
    let container = disk["containers"]
        .as_array()
        .unwrap()
        .iter()
        .find(|container| container["name"] == names[0].as_str())
        .expect("it is in the report");
    assert_eq!(container["ours"], true);
    assert!(container["shared"].as_u64().unwrap() > 0, "{container}");
    let plan = home.run(&["clean", "--dry-run", "--json"]).expect(0).json();
    assert!(
        !plan["items"]
            .as_array()
            .unwrap()
            .iter()
            .any(|item| item["name"] == own.as_str()),
        "the network of a container that is there: {plan}"
    );
}
