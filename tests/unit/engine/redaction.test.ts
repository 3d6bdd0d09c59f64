import { expect, test } from "vitest";
import { Redaction } from "../../../engine/in-process/redaction.ts";
import { secret } from "../../../wire/values.ts";

test("a secret is replaced wherever it stands, however deep it was", () => {
  const redaction = new Redaction();
  redaction.learn({ environment: { deep: [secret("correct horse"), "battery"] } });
  expect(redaction.apply("say correct horse, battery")).toBe("say [secret], battery");
});

test("each long line of a key is a secret, a short one is not", () => {
  const redaction = new Redaction();
  redaction.learn({
    key: secret("-----BEGIN KEY-----\nAAAAB3NzaC1yc2EAAAADAQABAAABgQ\nadmin\n-----END KEY-----"),
  });
  expect(redaction.apply("AAAAB3NzaC1yc2EAAAADAQABAAABgQ for admin")).toBe("[secret] for admin");
});

test("what is too short to be told from chance stays", () => {
  const redaction = new Redaction();
  redaction.learn({ pin: secret("1234") });
  expect(redaction.apply("12345 nodes")).toBe("12345 nodes");
});

test("the name of a resource is no secret, though it stands beside a key", () => {
  const redaction = new Redaction();
  redaction.learn({ ssh: secret({ name: "lab-compute-01", privateKey: "correct horse" }) });
  redaction.allow("lab-compute-01");
  expect(redaction.apply("lab-compute-01 by correct horse")).toBe("lab-compute-01 by [secret]");
});

test("where a machine is reached is no secret, though it stands beside its key", () => {
  const redaction = new Redaction();
  redaction.learn({ ssh: secret({ address: "10.181.158.67", privateKey: "correct horse" }) });
  expect(redaction.apply("10.181.158.67 by correct horse")).toBe("10.181.158.67 by [secret]");
});
