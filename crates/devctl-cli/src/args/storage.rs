//! The words of `devctl image`, `volume`, `network`, `disk` and `clean`.

use clap::{Args, Subcommand, ValueHint};

/// Where to look.
#[derive(Debug, Clone, Args)]
pub(crate) struct HostArg {
    /// The host; the current one when none is given
    #[arg(long)]
    pub host: Option<String>,
}

/// What is done with images.
#[derive(Debug, Subcommand)]
pub(crate) enum ImageCommand {
    /// List the images, and who uses them
    List(HostArg),
    /// Show everything about an image
    Show(ImageArg),
    /// Show the steps by which an image was made
    History(ImageArg),
    /// Fetch images from their registries, several at once
    Pull {
        /// Their names
        #[arg(value_name = "IMAGE", required = true)]
        images: Vec<String>,
        /// For this platform, such as linux/arm64; the host's own when none is given
        #[arg(long)]
        platform: Option<String>,
        #[command(flatten)]
        place: HostArg,
    },
    /// Send images to their registries
    Push {
        /// Their names
        #[arg(value_name = "IMAGE", required = true)]
        images: Vec<String>,
        #[command(flatten)]
        place: HostArg,
    },
    /// Build an image from a folder
    Build(BuildArgs),
    /// Give an image one more name
    Tag {
        /// Its name or its id
        image: String,
        /// The new name
        name: String,
        #[command(flatten)]
        place: HostArg,
    },
    /// Remove an image, or one of its names
    Remove {
        /// The name to remove; the image goes with its last one. Or its id
        image: String,
        /// Remove it with all its names, and from under containers that do not run
        #[arg(long)]
        force: bool,
        #[command(flatten)]
        place: HostArg,
    },
    /// Remove images that devctl built and that no container is made of
    Prune {
        /// Only say what would go
        #[arg(long)]
        dry_run: bool,
        /// Do not ask
        #[arg(short, long)]
        yes: bool,
        #[command(flatten)]
        place: HostArg,
    },
}

/// Names an image.
#[derive(Debug, Args)]
pub(crate) struct ImageArg {
    /// Its name or its id
    pub image: String,
    #[command(flatten)]
    pub place: HostArg,
}

/// Options of `image build`.
#[derive(Debug, Args)]
pub(crate) struct BuildArgs {
    /// The folder
    #[arg(default_value = ".", value_name = "PATH", value_hint = ValueHint::DirPath)]
    pub path: String,
    /// A name for the image; may be given several times
    #[arg(short, long = "tag", value_name = "NAME")]
    pub tags: Vec<String>,
    /// The Dockerfile, seen from the folder
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub file: Option<String>,
    /// A build argument; may be given several times
    #[arg(long = "build-arg", value_name = "KEY=VALUE", value_parser = super::variable)]
    pub args: Vec<(String, String)>,
    /// The stage to build; the last one when none is given
    #[arg(long)]
    pub target: Option<String>,
    /// For this platform, such as linux/arm64; the host's own when none is given
    #[arg(long)]
    pub platform: Option<String>,
    /// Build without any cache
    #[arg(long)]
    pub no_cache: bool,
    /// Fetch newer base images
    #[arg(long)]
    pub pull: bool,
    #[command(flatten)]
    pub place: HostArg,
}

/// What is done with volumes.
#[derive(Debug, Subcommand)]
pub(crate) enum VolumeCommand {
    /// List the volumes, and who uses them
    List(HostArg),
    /// Show a volume
    Show(VolumeArg),
    /// Make a volume
    Create {
        /// Its name
        name: String,
        /// Where its data is kept; `local` when none is given
        #[arg(long)]
        driver: Option<String>,
        /// An option of the driver; may be given several times
        #[arg(short, long = "opt", value_name = "KEY=VALUE", value_parser = super::variable)]
        options: Vec<(String, String)>,
        #[command(flatten)]
        place: HostArg,
    },
    /// Remove a volume; one that has data in it has to be named twice
    Remove {
        /// Its name
        volume: String,
        /// Its name once more, where its data is to go with it
        #[arg(long, value_name = "VOLUME")]
        really: Option<String>,
        #[command(flatten)]
        place: HostArg,
    },
    /// Look into a volume; no container has to run for it
    Browse {
        /// Its name
        volume: String,
        /// A folder in it
        #[arg(default_value = "/")]
        path: String,
        #[command(flatten)]
        place: HostArg,
    },
    /// Copy a file or a folder out of a volume or into it; no container has to run for it
    #[command(
        after_help = "One of the two is VOLUME:PATH. Out of a volume, TO is a folder that gets it, or its new name; \
                            nothing is overwritten.\nInto a volume, PATH is the folder that gets it, made where it is missing."
    )]
    Copy {
        /// What is copied
        from: String,
        /// Where to
        to: String,
        #[command(flatten)]
        place: HostArg,
    },
    /// Write a volume to a file (tar, packed with Zstandard), and its checksum to FILE.sha256
    Export {
        /// Its name
        volume: String,
        /// The file; one that is there is not overwritten
        #[arg(value_hint = ValueHint::FilePath)]
        file: String,
        #[command(flatten)]
        place: HostArg,
    },
    /// Fill a volume from a file that was exported; one that has data in it is left alone
    Import {
        /// The file
        #[arg(value_hint = ValueHint::FilePath)]
        file: String,
        /// The volume; it is made where it is missing
        volume: String,
        /// The SHA-256 that the file must have; that of FILE.sha256 when none is given
        #[arg(long)]
        sha256: Option<String>,
        #[command(flatten)]
        place: HostArg,
    },
}

/// Names a volume.
#[derive(Debug, Args)]
pub(crate) struct VolumeArg {
    /// Its name
    pub volume: String,
    #[command(flatten)]
    pub place: HostArg,
}

/// What is done with networks.
#[derive(Debug, Subcommand)]
pub(crate) enum NetworkCommand {
    /// List the networks, and who is in them
    List(HostArg),
    /// Show a network
    Show(NetworkArg),
    /// Make a network, in which containers find each other by name
    Create {
        /// Its name
        name: String,
        /// Its addresses, such as 10.213.7.0/24; a free part of network.range when none is given
        #[arg(long, value_name = "RANGE")]
        subnet: Option<String>,
        /// No way out of it
        #[arg(long)]
        internal: bool,
        #[command(flatten)]
        place: HostArg,
    },
    /// Remove a network that nobody is in
    Remove(NetworkArg),
    /// Put a container into a network, where the others find it by its name
    Join(MembershipArgs),
    /// Take a container out of a network
    Leave(MembershipArgs),
}

/// Names a network.
#[derive(Debug, Args)]
pub(crate) struct NetworkArg {
    /// Its name or its id
    pub network: String,
    #[command(flatten)]
    pub place: HostArg,
}

/// A network and a container.
#[derive(Debug, Args)]
pub(crate) struct MembershipArgs {
    /// The network: its name or its id
    pub network: String,
    #[command(flatten)]
    pub target: super::ContainerArg,
}

/// Options of `clean`.
#[derive(Debug, Args)]
pub(crate) struct CleanArgs {
    /// Only say what would go
    #[arg(long)]
    pub dry_run: bool,
    /// Do not ask
    #[arg(short, long)]
    pub yes: bool,
    /// Also remove this image, whoever made it; may be given several times
    #[arg(long = "image", value_name = "IMAGE")]
    pub images: Vec<String>,
    /// Also remove this network, whoever made it; may be given several times
    #[arg(long = "network", value_name = "NETWORK")]
    pub networks: Vec<String>,
    /// Also remove this volume, whoever made it; may be given several times
    #[arg(long = "volume", value_name = "VOLUME")]
    pub volumes: Vec<String>,
    /// The name of a volume once more, whose data is to go with it
    #[arg(long = "really", value_name = "VOLUME", requires = "volumes")]
    pub really: Vec<String>,
    /// Also empty the builder's cache, which belongs to all who build on the host
    #[arg(long)]
    pub build_cache: bool,
    /// Leave out what is not named here
    #[arg(long)]
    pub named_only: bool,
    #[command(flatten)]
    pub place: HostArg,
}
