import type {
  AuthorityInfo,
  AuthorityKind,
  CertificateRecord,
  KeyRecord,
} from "../../generated/types";

/** What can be asked for over the window here. */
export type SshSheet =
  | { act: "rotate"; authority: AuthorityKind }
  | { act: "rollback"; authority: AuthorityKind }
  | { act: "importAuthority"; authority: AuthorityKind }
  | { act: "exportAuthority"; authority: AuthorityInfo }
  | { act: "policy"; authority: AuthorityInfo }
  | { act: "issue" }
  | { act: "explain" }
  /** Of a certificate, or of what the person names. */
  | { act: "revoke"; certificate: CertificateRecord | null }
  | { act: "generateKey" }
  | { act: "importKey" }
  | { act: "exportKey"; key: KeyRecord }
  | { act: "keyPassphrase"; key: KeyRecord }
  | { act: "rotateKey"; key: KeyRecord }
  | { act: "removeKey"; key: KeyRecord }
  | { act: "addToAgent"; key: KeyRecord };
