import { createCipheriv, createDecipheriv, randomBytes, scryptSync } from "node:crypto";
import { UserError } from "../../config/errors.ts";
import { WRONG_PASSPHRASE } from "../passphrase.ts";
import { isObject, isSecret, mapValues, secret, type Value } from "../../wire/values.ts";

const SEALED = "ai-how:sealed";

/** The part of the state file that can check a passphrase, but not reveal it. */
export interface SecretsHeader {
  readonly salt: string;
  readonly proof: string;
}

/** Encrypts the secrets of one state file with AES-256-GCM; scrypt derives the key from the passphrase. */
export class SecretBox {
  readonly header: SecretsHeader;
  readonly #key: Buffer;
  // Encryption is random. Unchanged secrets keep their ciphertext, so that an unchanged state is the same file.
  readonly #sealed = new Map<string, string>();

  private constructor(key: Buffer, salt: string, proof?: string) {
    this.#key = key;
    this.header = { salt, proof: proof ?? this.#encrypt("ai-how") };
  }

  static create(passphrase: string): SecretBox {
    const salt = randomBytes(16).toString("base64");
    return new SecretBox(deriveKey(passphrase, salt), salt);
  }

  /** For an existing state. @throws UserError for a wrong passphrase */
  static open(passphrase: string, header: SecretsHeader, file: string): SecretBox {
    const box = new SecretBox(deriveKey(passphrase, header.salt), header.salt, header.proof);
    try {
      box.#decrypt(header.proof);
    } catch {
      throw new UserError(`${file}: ${WRONG_PASSPHRASE}`);
    }
    return box;
  }

  /** The value with encrypted secrets. */
  seal(value: Value): Value {
    if (isSecret(value)) {
      const text = JSON.stringify(value.value);
      const sealed = this.#sealed.get(text) ?? this.#encrypt(text);
      this.#sealed.set(text, sealed);
      return { [SEALED]: sealed };
    }
    if (Array.isArray(value)) return value.map((item) => this.seal(item));
    return isObject(value) ? mapValues(value, (item) => this.seal(item)) : value;
  }

  unseal(value: Value): Value {
    if (Array.isArray(value)) return value.map((item) => this.unseal(item));
    if (!isObject(value)) return value;
    const sealed = value[SEALED];
    if (typeof sealed !== "string") return mapValues(value, (item) => this.unseal(item));
    const text = this.#decrypt(sealed);
    this.#sealed.set(text, sealed);
    return secret(JSON.parse(text) as Value);
  }

  #encrypt(text: string): string {
    const nonce = randomBytes(12);
    const cipher = createCipheriv("aes-256-gcm", this.#key, nonce);
    const body = Buffer.concat([cipher.update(text, "utf8"), cipher.final()]);
    return Buffer.concat([nonce, cipher.getAuthTag(), body]).toString("base64");
  }

  #decrypt(sealed: string): string {
    const bytes = Buffer.from(sealed, "base64");
    const decipher = createDecipheriv("aes-256-gcm", this.#key, bytes.subarray(0, 12));
    decipher.setAuthTag(bytes.subarray(12, 28));
    return Buffer.concat([decipher.update(bytes.subarray(28)), decipher.final()]).toString("utf8");
  }
}

function deriveKey(passphrase: string, salt: string): Buffer {
  return scryptSync(passphrase, Buffer.from(salt, "base64"), 32, { N: 2 ** 15, maxmem: 64 * 1024 * 1024 });
}
