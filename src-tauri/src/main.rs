fn main() { devctl_desktop::run() }
