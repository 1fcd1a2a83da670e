import type {
  AuthorityInfo,
  AuthorityKind,
  AuthorityPhase,
  CertificatePolicy,
  CertificateRecord,
  CertificateVerdict,
  IssueCertificate,
  IssuedCertificate,
  RevocationInfo,
  Revoke,
  RotationState,
} from "../../generated/types";
import type { OperationName, Request, Response } from "../backend";
import { before, CERTIFICATE } from "./data";
import { refuse } from "./refuse";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

type Names = Extract<
  OperationName,
  | `${string}_authority`
  | "list_authorities"
  | "set_authority_policy"
  | `${string}_certificate`
  | `${string}_certificates`
  | "list_revocations"
>;

export const POLICY: CertificatePolicy = {
  maxValiditySeconds: 7 * 86_400,
  clockSkewSeconds: 300,
  principals: [],
  extensions: ["permit-pty", "permit-port-forwarding", "permit-agent-forwarding"],
  keyTypes: [],
  forceCommand: null,
  sourceAddresses: [],
};

function authority(
  kind: AuthorityKind,
  generation: number,
  phase: AuthorityPhase,
  days: number,
  issued: number,
): AuthorityInfo {
  const middle = ["qk5c", "Lk7e", "bq6M", "fA8u"][(generation + kind.length) % 4] ?? "T02n";
  return {
    kind,
    generation,
    algorithm: "ssh-ed25519",
    fingerprint: `SHA256:${middle}${generation}J4yTq1oVw2mE0v3Gd8bJcY7rX1pLrwV${kind[0]}${generation}vB`,
    publicKey: `ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFake${kind}${generation} devctl ${kind} ${generation}`,
    phase,
    changedAt: before(days * DAY),
    keptIn: "vault",
    createdAt: before(days * DAY),
    issued,
    neededBy: [],
    policy: POLICY,
  };
}

function certificate(
  serial: number,
  keyId: string,
  kind: AuthorityKind,
  principals: string[],
  spent: number,
  left: number,
  more: Partial<CertificateRecord> = {},
): CertificateRecord {
  return {
    kind,
    generation: 2,
    authority: CERTIFICATE.authority,
    serial,
    keyId: keyId.includes(":") ? `${keyId}/${serial}` : keyId,
    subject: `SHA256:${keyId.replaceAll(/\W/g, "").padEnd(8, "k")}9dVbR8nS0uWv3xZ5aB7dE9fG2hJ4kL6mN8pQuE2k`,
    principals,
    extensions: kind === "user" ? ["permit-pty", "permit-port-forwarding"] : [],
    criticalOptions: [],
    validAfter: before(spent),
    validBefore: before(-left),
    issuedAt: before(spent),
    askedBy: "wren",
    reason: kind === "user" ? "the last one was due" : "",
    state: left > 0 ? "valid" : "expired",
    ...more,
  };
}

const CERTIFICATES: readonly CertificateRecord[] = [
  certificate(
    CERTIFICATE.serial,
    CERTIFICATE.keyId,
    "user",
    CERTIFICATE.principals,
    4 * HOUR,
    7.7 * HOUR,
  ),
  certificate(10_481, "user:heron", "user", ["ct-4f1c09a2be77"], 12 * HOUR, 3.5 * HOUR, {
    reason: "looks at the rate limiter",
  }),
  certificate(10_477, "user:finch", "user", ["ct-81d0c4a9e321", "role-docs"], 3 * HOUR, 13 * HOUR),
  certificate(10_469, "user:ci-nightly", "user", ["role-ci"], 5 * DAY, 2 * DAY, {
    state: "revoked",
    criticalOptions: ["force-command=make nightly"],
    reason: "the nightly build",
  }),
  certificate(10_440, "user:old-laptop", "user", ["owner-wren"], 9 * DAY, -8 * DAY),
  certificate(931, "host:atlas-api", "host", ["atlas-api.devctl"], 7 * DAY, 23 * DAY),
  certificate(927, "host:search-index", "host", ["search-index.devctl"], 20 * DAY, 10 * DAY),
  certificate(918, "host:legacy-portal", "host", ["legacy-portal.devctl"], 28 * DAY, 2 * DAY, {
    generation: 1,
    state: "untrusted",
  }),
];

/** Authorities, certificates and revocations of the fake. */
export class FakeTrust {
  authorities: AuthorityInfo[];
  certificates: CertificateRecord[];
  revocations: RevocationInfo[];
  /** Certificates of the last user authority that somebody still needs, while a rotation is at its end. */
  needed: string[] = [];

  constructor(scene: string) {
    const few = scene === "empty";
    this.authorities = [
      ...(few ? [] : [authority("user", 1, "retired", 216, 5120)]),
      authority("user", 2, "signing", few ? 0 : 214, few ? 0 : 641),
      ...(few ? [] : [authority("user", 3, "trusted", 0.4, 0)]),
      authority("host", 2, "signing", few ? 0 : 88, few ? 0 : 15),
    ];
    if (scene === "rotating") {
      this.move("user", 2, "trusted");
      this.move("user", 3, "signing");
      this.needed = ["user:heron until 23 Nov 2026 21:40", "user:finch until 24 Nov 2026 07:12"];
    }
    this.certificates = few ? [] : [...CERTIFICATES];
    this.revocations = few
      ? []
      : [
          {
            version: 13,
            means: "key",
            what: "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQFakeOldKey",
            authority: null,
            at: before(41 * DAY),
            askedBy: "wren",
            reason: "RSA of 2048 bits",
          },
          {
            version: 14,
            means: "serial",
            what: "10469",
            authority: CERTIFICATE.authority,
            at: before(5 * HOUR),
            askedBy: "wren",
            reason: "its token was in a log",
          },
        ];
  }

  readonly handlers: { [K in Names]: (request: Request<K>) => Response<K> } = {
    list_authorities: () => this.list(),
    show_authority: ({ kind, generation }) => this.find(kind, generation),
    create_authority: ({ kind }) => this.next(kind),
    import_authority: ({ kind, privateKey, agentKey }) => {
      if (privateKey?.includes("PuTTY")) {
        throw refuse("key.format_refused", "This is a key of PuTTY", [
          { text: "Convert it first", command: "puttygen KEY.ppk -O private-openssh -o KEY" },
        ]);
      }
      const made = this.next(kind);
      const kept: AuthorityInfo = { ...made, keptIn: agentKey ? "agent" : "vault" };
      this.put(kept);
      return kept;
    },
    rotate_authority: ({ kind }) => this.forward(kind),
    rollback_authority: ({ kind }) => this.backward(kind),
    retire_authority: ({ kind, now, revoke }) => {
      if (this.needed.length > 0 && !now) {
        throw refuse("authority.needed", `${this.needed.length} certificates are still needed`);
      }
      const last = this.outgoing(kind);
      if (!last)
        throw refuse("authority.step", `no ${kind} authority is there that another has followed`);
      this.needed = [];
      this.move(kind, last.generation, revoke ? "revoked" : "retired");
      return this.list();
    },
    export_authority: ({ kind, generation, passphrase }) => ({
      publicKey: this.find(kind, generation).publicKey,
      privateKey: passphrase
        ? "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAACmFlczI1Ni1jdHI\n-----END OPENSSH PRIVATE KEY-----\n"
        : null,
    }),
    set_authority_policy: ({ kind, policy }) => {
      const changed = { ...this.find(kind, null), policy: policy ?? POLICY };
      this.put(changed);
      return changed;
    },
    list_certificates: ({ kind, expired, limit }) => ({
      certificates: this.certificates
        .filter((one) => (!kind || one.kind === kind) && (expired || one.state !== "expired"))
        .slice(0, limit ?? 100),
    }),
    show_certificate: ({ kind, serial }) => {
      const found = this.certificates.find((one) => one.kind === kind && one.serial === serial);
      if (!found) throw refuse("certificate.not_found", `There is no certificate ${serial}`);
      return found;
    },
    issue_certificate: (request) => this.issue(request),
    renew_certificates: () => ({ changed: true }),
    revoke_certificate: (request) => this.revoke(request),
    list_revocations: () => ({
      version: this.revocations.at(-1)?.version ?? 1,
      path: "/home/wren/.ssh/devctl/revoked.krl",
      revocations: this.revocations,
      problem: null,
    }),
    verify_certificate: ({ certificate }) => explained(certificate),
  };

  private issue(request: IssueCertificate): IssuedCertificate {
    if (!request.publicKey.startsWith("ssh-")) {
      throw refuse("ssh.key_unreadable", "This is no public key of OpenSSH's form", [
        {
          text: "It is one line that begins with its type: ssh-ed25519 AAAA… comment",
          command: null,
        },
      ]);
    }
    const serial = Math.max(...this.certificates.map((one) => one.serial), 0) + 1;
    const record = certificate(
      serial,
      `user:${request.name}`,
      "user",
      [
        ...request.containers.map((name) => `ct-${name}`),
        ...request.roles.map((role) => `role-${role}`),
      ],
      0,
      (request.validSeconds ?? 57_600) * 1000,
      { reason: request.reason },
    );
    this.certificates = [record, ...this.certificates];
    const ssh = "/home/wren/.local/state/devctl/bin/devctl ssh-proxy";
    return {
      record,
      certificate:
        "ssh-ed25519-cert-v01@openssh.com AAAAIHNzaC1lZDI1NTE5LWNlcnQtdjAxQG9wZW5zc2guY29t heron",
      knownHosts: "@cert-authority *.devctl ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFakehost2",
      ways: request.containers.map((name) => ({
        host: `${name}.devctl`,
        user: request.user ?? "dev",
        ssh: `ssh -F none -i KEY -o CertificateFile=CERT -o UserKnownHostsFile=KNOWN -o 'ProxyCommand=ssh -i KEY wren@nest ${ssh} ${name}.devctl dev' dev@${name}.devctl`,
        authorizedKeys: `restrict,command="${ssh} ${name}.devctl dev" ${request.publicKey}`,
      })),
    };
  }

  private revoke(request: Revoke): Response<"revoke_certificate"> {
    const range = request.serials;
    const what =
      request.serial?.toString() ??
      (range ? `${range[0]}-${range[1]}` : null) ??
      request.keyId ??
      request.publicKey ??
      request.fingerprint ??
      "";
    const means = request.serial
      ? "serial"
      : range
        ? "serial_range"
        : request.keyId
          ? "key_id"
          : request.publicKey
            ? "key"
            : "fingerprint";
    const known = this.revocations.find((one) => one.means === means && one.what === what);
    const revocation = known ?? {
      version: (this.revocations.at(-1)?.version ?? 1) + 1,
      means,
      what,
      authority: null,
      at: before(0),
      askedBy: "wren",
      reason: request.reason,
    };
    if (!known) this.revocations = [...this.revocations, revocation];
    this.certificates = this.certificates.map((one) =>
      one.serial === request.serial ||
      one.keyId === request.keyId ||
      one.subject === request.fingerprint
        ? { ...one, state: "revoked" }
        : one,
    );
    return {
      revocation,
      changed: !known,
      note: "It is in force for new connections now, and ends open sessions within a second.",
    };
  }

  private list(): Response<"list_authorities"> {
    return {
      authorities: this.authorities.map((one) => ({
        ...one,
        neededBy: one === this.outgoing(one.kind) ? this.needed : [],
      })),
      rotations: (["user", "host"] as const).map((kind) => this.rotation(kind)),
      keptIn: "OS keychain",
    };
  }

  private of(kind: AuthorityKind): AuthorityInfo[] {
    return this.authorities.filter((one) => one.kind === kind);
  }

  private signing(kind: AuthorityKind): AuthorityInfo {
    const found = this.of(kind).find((one) => one.phase === "signing");
    if (!found) throw refuse("authority.not_found", `There is no ${kind} authority that signs`);
    return found;
  }

  private incoming(kind: AuthorityKind): AuthorityInfo | undefined {
    const { generation } = this.signing(kind);
    return this.of(kind).find((one) => one.phase === "trusted" && one.generation > generation);
  }

  private outgoing(kind: AuthorityKind): AuthorityInfo | undefined {
    const { generation } = this.signing(kind);
    return this.of(kind).find((one) => one.phase === "trusted" && one.generation < generation);
  }

  private find(kind: AuthorityKind, generation: number | null): AuthorityInfo {
    const found = generation
      ? this.of(kind).find((one) => one.generation === generation)
      : this.signing(kind);
    if (!found) throw refuse("authority.not_found", `There is no ${kind} authority ${generation}`);
    return found;
  }

  private put(changed: AuthorityInfo): void {
    this.authorities = this.authorities.map((one) =>
      one.kind === changed.kind && one.generation === changed.generation ? changed : one,
    );
  }

  private move(kind: AuthorityKind, generation: number, phase: AuthorityPhase): void {
    this.put({ ...this.find(kind, generation), phase, changedAt: before(0) });
  }

  private next(kind: AuthorityKind): AuthorityInfo {
    const last = this.of(kind).at(-1);
    const made = authority(kind, (last?.generation ?? 0) + 1, "new", 0, 0);
    this.authorities = [...this.authorities, made].toSorted((a, b) => b.kind.localeCompare(a.kind));
    return made;
  }

  private forward(kind: AuthorityKind): Response<"list_authorities"> {
    const { step } = this.rotation(kind);
    const fresh = this.of(kind).find((one) => one.phase === "new");
    const next = this.incoming(kind);
    const last = this.outgoing(kind);
    if (step === "idle") this.next(kind);
    else if (step === "made" && fresh) this.move(kind, fresh.generation, "trusted");
    else if (step === "trusted" && next) {
      const { generation } = this.signing(kind);
      this.move(kind, next.generation, "signing");
      this.move(kind, generation, "trusted");
    } else if (last) this.move(kind, last.generation, "retired");
    return this.list();
  }

  private backward(kind: AuthorityKind): Response<"list_authorities"> {
    const fresh = this.of(kind).find((one) => one.phase === "new");
    const next = this.incoming(kind);
    const last = this.outgoing(kind);
    if (fresh) this.authorities = this.authorities.filter((one) => one !== fresh);
    else if (next) this.move(kind, next.generation, "new");
    else if (last) {
      const { generation } = this.signing(kind);
      this.move(kind, last.generation, "signing");
      this.move(kind, generation, "trusted");
    }
    return this.list();
  }

  private rotation(kind: AuthorityKind): RotationState {
    const of = (step: RotationState["step"], next: string, back: string | null): RotationState => ({
      kind,
      step,
      next,
      waitsFor: step === "signing" ? this.needed : [],
      back,
    });
    if (this.of(kind).some((one) => one.phase === "new")) {
      return of(
        "made",
        "let the next authority be accepted beside the present one",
        "forget the next authority",
      );
    }
    if (this.incoming(kind)) {
      return of(
        "trusted",
        "let the next authority sign, and sign everything of ours anew",
        "no longer accept the next authority",
      );
    }
    if (this.outgoing(kind)) {
      return of(
        "signing",
        "retire the last authority: nothing that it signed is accepted any more",
        "let the last authority sign again",
      );
    }
    return of("idle", `make the next ${kind} authority; nobody accepts it yet`, null);
  }
}

function explained(line: string): CertificateVerdict {
  if (!line.includes("-cert-v01@openssh.com")) {
    throw refuse("ssh.key_unreadable", "This is no certificate of OpenSSH's form", [
      {
        text: "It is one line that begins like ssh-ed25519-cert-v01@openssh.com AAAA…, often in a file *-cert.pub",
        command: null,
      },
    ]);
  }
  const expired = line.includes("expired");
  const time = expired
    ? "It was valid until 2026-11-20 08:00:00 UTC, which is over."
    : "It is valid until 2026-11-24 08:00:00 UTC.";
  return {
    accepted: !expired,
    verdict: expired ? `It would be refused. ${time}` : "It would be accepted.",
    checks: [
      { rule: "type", ok: true, words: "It is a user certificate." },
      { rule: "authority", ok: true, words: "User authority 2 signed it, which is trusted." },
      { rule: "signature", ok: true, words: "The signature is right." },
      { rule: "time", ok: !expired, words: time },
      { rule: "revocation", ok: true, words: "It is not in the revocation list." },
      {
        rule: "principals",
        ok: true,
        words: "It names ct-4f1c09a2be77, which this container accepts.",
      },
      { rule: "options", ok: true, words: "It holds no option that a container does not know." },
      { rule: "key", ok: true, words: "Its key is strong enough." },
    ],
  };
}
