import type { Image, Network, Volume } from "../../generated/types";
import type { OperationName, Request, Response } from "../backend";
import { before } from "./data";
import { refuse } from "./refuse";

type Names = Extract<
  OperationName,
  | `${string}_image`
  | `${string}_images`
  | "show_image_history"
  | `${string}_volume`
  | "list_volumes"
  | `${string}_network`
  | "list_networks"
  | "read_disk"
  | "clean"
>;

const DAY = 86_400_000;

/** Images, volumes and networks of a host. */
export class FakeStorage {
  private images: Image[] = [
    {
      id: "sha256:9b2afe015fb5a7e4",
      names: ["debian:12"],
      digests: [],
      createdAt: before(9 * DAY),
      size: 117_000_000,
      usedBy: ["ledger-sync"],
      ours: false,
    },
  ];
  private volumes: Volume[] = [
    {
      name: "ledger-data",
      driver: "local",
      createdAt: before(9 * DAY),
      usedBy: ["ledger-sync"],
      ours: true,
      madeFor: "ledger-sync",
      labels: {},
    },
  ];
  private networks: Network[] = [
    {
      id: "1f9f55ab15a9",
      name: "devctl-ledger-sync",
      driver: "bridge",
      internal: false,
      subnets: ["10.213.0.0/28"],
      containers: ["ledger-sync"],
      ours: true,
      madeFor: "ledger-sync",
    },
  ];

  constructor(private readonly begin: (operation: string, subject: string) => { job: string }) {}

  private image(reference: string): Image {
    const found = this.images.find(
      ({ id, names }) => id === reference || names.includes(reference),
    );
    if (!found) throw refuse("image.not_found", `There is no image ${reference}`);
    return found;
  }

  private volume(name: string): Volume {
    const found = this.volumes.find((volume) => volume.name === name);
    if (!found) throw refuse("volume.not_found", `There is no volume ${name}`);
    return found;
  }

  private network(name: string): Network {
    const found = this.networks.find((network) => network.name === name || network.id === name);
    if (!found) throw refuse("network.not_found", `There is no network ${name}`);
    return found;
  }

  readonly handlers: { [K in Names]: (request: Request<K>) => Response<K> } = {
    list_images: () => ({ images: this.images }),
    show_image: ({ image }) => ({
      ...this.image(image),
      platform: "linux/amd64",
      user: "",
      workdir: "/",
      entrypoint: [],
      command: ["bash"],
      variables: ["PATH"],
      ports: [],
      volumes: [],
      labels: {},
    }),
    show_image_history: ({ image }) => ({
      steps: [
        { createdAt: this.image(image).createdAt, instruction: "CMD bash", size: 0, names: [] },
      ],
    }),
    pull_images: ({ images }) => this.begin("pull_images", images.join(", ")),
    push_images: ({ images }) => this.begin("push_images", images.join(", ")),
    build_image: ({ context }) => this.begin("build_image", context),
    tag_image: ({ image, name }) => {
      this.image(image).names.push(name);
      return { changed: true };
    },
    remove_image: ({ image }) => {
      const { id, names } = this.image(image);
      this.images = this.images.filter((other) => other.id !== id);
      return { names, images: [id] };
    },
    prune_images: () => ({ images: [], bytes: 0 }),
    list_volumes: () => ({ volumes: this.volumes }),
    show_volume: ({ volume }) => this.volume(volume),
    create_volume: ({ name }) => {
      const made: Volume = {
        name,
        driver: "local",
        createdAt: before(0),
        usedBy: [],
        ours: true,
        madeFor: null,
        labels: {},
      };
      this.volumes = [...this.volumes, made];
      return made;
    },
    remove_volume: ({ volume, really }) => {
      const { name } = this.volume(volume);
      if (really !== name) throw refuse("volume.has_data", `The volume ${name} has data in it`);
      this.volumes = this.volumes.filter((other) => other.name !== name);
      return { changed: true };
    },
    browse_volume: ({ volume }) => ({ path: this.volume(volume) ? "/" : "", files: [] }),
    copy_volume: ({ volume }) => this.begin("copy_volume", volume),
    export_volume: ({ volume }) => this.begin("export_volume", volume),
    import_volume: ({ volume }) => this.begin("import_volume", volume),
    list_networks: () => ({ networks: this.networks }),
    show_network: ({ network }) => this.network(network),
    create_network: ({ name }) => {
      const made: Network = {
        id: name,
        name,
        driver: "bridge",
        internal: false,
        subnets: ["10.213.0.16/28"],
        containers: [],
        ours: true,
        madeFor: null,
      };
      this.networks = [...this.networks, made];
      return made;
    },
    remove_network: ({ network }) => {
      const { id } = this.network(network);
      this.networks = this.networks.filter((other) => other.id !== id);
      return { changed: true };
    },
    join_network: ({ network, container }) => {
      this.network(network).containers.push(container);
      return { changed: true };
    },
    leave_network: ({ network, container }) => {
      const joined = this.network(network);
      joined.containers = joined.containers.filter((name) => name !== container);
      return { changed: true };
    },
    read_disk: () => ({
      images: [],
      containers: [],
      volumes: [],
      buildCache: { records: 0, size: 0, reclaimable: 0 },
      layers: 0,
      total: 0,
    }),
    clean: () => ({ items: [], keptVolumes: [], bytes: 0 }),
  };
}
