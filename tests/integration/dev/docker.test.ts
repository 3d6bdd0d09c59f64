import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { lacks } from "../../required.ts";
import { DockerEngine } from "../../support/docker.ts";
import { CommandLineWatch } from "../../support/processes.ts";
import { describeUnless } from "../../support/where.ts";
import { BASE, makeBase, openTo, ownFolder, USER, userLacks, UsersShell } from "./stage.ts";

const IMAGE = "sygaldry/zephyr:base";

describeUnless((await lacks("root", "Docker")) ?? userLacks(), "the development container on Docker", () => {
  const engine = new DockerEngine();
  const workspace = join(engine.folder, "users", "work");
  const root = join(engine.folder, "users", "data");
  const shell = new UsersShell({
    ...engine.env,
    HOME: join(engine.folder, "users"),
    SYGALDRY_CONTAINER_ROOT: root,
    SYGALDRY_BASE_IMAGE: BASE,
    SYGALDRY_TOOLS: "none",
    SYGALDRY_PROJECT_ID: "tests",
  });
  const dev = (...args: string[]) => shell.ask(["dev", "--project-root", workspace, ...args]);

  beforeAll(async () => {
    await engine.start();
    openTo(engine);
    await makeBase("docker", join(engine.folder, "base"), engine.env);
    ownFolder(engine.folder, "users", "work");
    ownFolder(engine.folder, "users");
  });
  afterAll(() => engine.remove());

  it("is built when it is missing, and then not again", async () => {
    const first = await dev("--build-only");
    expect(first.exitCode, first.output).toBe(0);
    expect(first.output).toContain(`note: building ${IMAGE}: the image is missing`);
    const second = await dev("--build-only");
    expect(second.output).toBe(`note: ${IMAGE} is up to date`);
    const bazel = await dev("--", "bash", "-c", "echo $USE_BAZEL_FALLBACK_VERSION ${USE_BAZEL_VERSION-none}");
    expect(bazel.stdout).toBe("6.4.0 none");
  });

  it("runs as who starts it: what it writes is theirs, and its exit code is the command's", async () => {
    const said = await dev("--", "bash", "-c", 'id -u; id -g; pwd; echo "$HOME"; touch here ~/there; exit 7');
    expect(said.exitCode, said.output).toBe(7);
    expect(said.stdout).toBe(`${USER}\n${USER}\n/workspace\n/home/kvothe`);
    expect(said.output).toContain("note: without GPUs: `nvidia-smi -L` lists none on this host");
    for (const file of [
      join(workspace, "here"),
      join(root, "monorepo_home", "there"),
      join(root, "hf_cache"),
    ])
      expect(statSync(file).uid, file).toBe(USER);
    expect(statSync(join(root, "monorepo_home")).mode & 0o777).toBe(0o700);
    expect(await engine.containers()).toEqual([]);
    // The image's own user is Ubuntu's with another name, for whoever mounts no /etc/passwd.
    const own = await engine.docker(
      "run",
      "--rm",
      IMAGE,
      "bash",
      "-c",
      "getent passwd $(id -u); touch /opt/hf_cache/x",
    );
    expect(own.stdout).toBe(`kvothe:x:${USER}:${USER}:Ubuntu:/home/kvothe:/bin/bash`);
  });

  it("gets words as they are, what is piped in, and variables by name only", async () => {
    const said = await shell.ask(
      ["dev", "-e", "run-job", "bash", "-c", 'printf "<%s>" "$@"; cat', "x", "a  b", "$HOME", "--", ""],
      {
        input: "from the pipe",
      },
    );
    expect(said.stdout).toBe("<a  b><$HOME><--><>from the pipe");
    const secret = "hf_0123456789abcdef";
    const watch = new CommandLineWatch();
    watch.start();
    const passed = await shell.ask(
      ["dev", "--env", "MINE", "--", "bash", "-c", "echo ${#MINE}${HF_TOKEN-none}; sleep 0.5"],
      {
        env: { MINE: secret, HF_TOKEN: secret },
      },
    );
    watch.stop();
    expect(passed.stdout).toBe(`${secret.length}none`);
    expect([...watch.seen].some((line) => line.includes("--env MINE"))).toBe(true);
    expect([...watch.seen].filter((line) => line.includes(secret))).toEqual([]);
    const unset = await dev("--env", "NEVER_SET", "--", "true");
    expect(unset).toMatchObject({ exitCode: 1, stdout: "" });
    expect(unset.output).toBe(
      "ai-how: --env: NEVER_SET is not set; set the variable, or leave the option out",
    );
  });

  it("begins by its entrypoints, which say what they miss", async () => {
    const begin = (name: string, ...words: string[]) =>
      engine.docker("run", "--rm", "--entrypoint", `/opt/ai-how/entrypoints/${name}.sh`, IMAGE, ...words);
    expect(await begin("run-job")).toMatchObject({ exitCode: 2, output: "usage: run-job COMMAND..." });
    expect(await begin("uv-install")).toMatchObject({ exitCode: 2, output: "usage: uv-install PACKAGE..." });
    const uv = { exitCode: 1, output: "uv-install: uv: there is no such program in this image" };
    expect(await begin("uv-install", "numpy")).toMatchObject(uv);
    expect(await begin("hf-download", "weights", "a/b")).toMatchObject({
      exitCode: 1,
      output: "usage: hf-download dataset ID [CONFIG] [SPLIT] | hf-download model ID",
    });
    expect(await begin("spack-build", "/opt")).toMatchObject({
      exitCode: 1,
      output: "spack-build: /opt has no spack_src.yaml; `ai-how spack new` makes one",
    });
    // What follows is a shell, which has nobody to talk to here.
    const installed = await begin("spack-install", "zlib");
    expect(installed.exitCode, installed.output).toBe(0);
    expect(await begin("default", "bash", "-c", "exit 4")).toMatchObject({ exitCode: 4 });
    const typo = await dev("-e", "verifygpu");
    expect(typo).toMatchObject({ exitCode: 2 });
    expect(typo.output).toContain("did you mean verify-gpu?");
  });

  it("verify-gpu fails where there is no GPU, with a line for each thing that is wrong", async () => {
    const said = await dev("--entrypoint", "verify-gpu", "--", "torch");
    expect(said.exitCode).toBe(1);
    expect(said.output.split("\n").filter((line) => line.startsWith("verify-gpu: "))).toEqual([
      "verify-gpu: driver: nvidia-smi is not there: the container was started without GPUs",
      "verify-gpu: nvcc: not on PATH: the image is not built on CUDA",
      "verify-gpu: torch: not installed for python3",
    ]);
    expect(said.stdout).toBe("jax: not installed");
  });

  it("verify-gpu passes where all of it sees the GPU, and fails where one library does not", async () => {
    const folder = ownFolder(engine.folder, "users", "fake");
    const fake = (name: string, script: string): void => {
      writeFileSync(join(folder, name), `#!/bin/bash\n${script}\n`, { mode: 0o755 });
    };
    fake(
      "nvidia-smi",
      `if [ "$1" = -L ]; then echo "GPU 0: NVIDIA A100 (UUID: GPU-1)"; else echo 580.95.05; fi`,
    );
    fake("nvcc", 'echo "Cuda compilation tools, release 12.9, V12.9.86"');
    const python = (said: string): void => {
      fake("python3", `case "$2" in *find_spec*torch*) ;; *find_spec*) exit 1 ;; *) ${said} ;; esac`);
    };
    const verify = () =>
      engine.docker(
        ...[
          "run",
          "--rm",
          "--volume",
          `${folder}:/fake:ro`,
          "--env",
          "PATH=/fake:/usr/local/bin:/usr/bin:/bin",
        ],
        ...["--entrypoint", "/opt/ai-how/entrypoints/verify-gpu.sh", IMAGE, "torch"],
      );
    python("echo 2.9.0, NVIDIA A100");
    expect(await verify()).toMatchObject({
      exitCode: 0,
      output: [
        "driver: 580.95.05",
        "GPU 0: NVIDIA A100 (UUID: GPU-1)",
        "nvcc: 12.9, V12.9.86",
        "torch: 2.9.0, NVIDIA A100",
        "jax: not installed",
      ].join("\n"),
    });
    python("echo 2.9.0 sees no GPU >&2; exit 1");
    const blind = await verify();
    expect(blind.exitCode).toBe(1);
    expect(blind.output).toContain("verify-gpu: torch: 2.9.0 sees no GPU");
  });

  it("builds Spack environments: a lock is honoured, and one of another source is refused", async () => {
    const calls = join(root, "monorepo_home", "spack-calls");
    const told = (): string[] => {
      const text = existsSync(calls) ? readFileSync(calls, "utf8") : "";
      writeFileSync(calls, "");
      return text
        .trimEnd()
        .split("\n")
        .map((line) => line.replace("-D /workspace/spack/mine ", ""));
    };
    const spack = (...args: string[]) => shell.ask(["spack", ...args, "--project-root", workspace]);
    const folder = join(workspace, "spack", "mine");
    expect((await spack("new", "mine", "--from", "zephyr")).exitCode).toBe(0);
    const first = await spack("build", "mine");
    expect(first.exitCode, first.output).toBe(0);
    expect(told()).toEqual(["spack concretize --force", "spack install", "spack env view regenerate"]);
    expect(readFileSync(join(folder, "spack.yaml"), "utf8")).toBe(
      readFileSync(join(folder, "spack_src.yaml"), "utf8"),
    );
    expect((await spack("build", "mine")).exitCode).toBe(0);
    expect(told()).toEqual(["spack install --only-concrete", "spack env view regenerate"]);

    writeFileSync(join(folder, "spack_src.yaml"), "spack: {specs: [zlib]}\n");
    const stale = await spack("build", "mine");
    expect(stale.exitCode).toBe(1);
    expect(stale.output).toContain(
      "spack_src.yaml has changed since spack.lock was made; `ai-how spack lock` makes it anew",
    );
    expect((await spack("lock", "mine")).exitCode).toBe(0);
    expect(told()).toEqual(["spack concretize --force"]);
  });

  it("runs what the old repository has for its environment", async () => {
    mkdirSync(join(workspace, "pkg", "zephyr"), { recursive: true });
    writeFileSync(join(workspace, "pkg", "zephyr", "build.sh"), "#!/bin/bash\necho built the old way\n", {
      mode: 0o755,
    });
    expect(await dev("-e", "spack-build")).toMatchObject({ exitCode: 0, stdout: "built the old way" });
  });

  it("ends with who started it, and takes away what another try has left", async () => {
    const name = "ai-how-dev-step";
    const env = { SYGALDRY_CONTAINER_NAME: name };
    await engine.docker("create", "--name", name, IMAGE, "true");
    const running = shell.launch(
      ["dev", "--", "bash", "-c", "trap 'echo bye; exit 5' TERM; echo on; while :; do sleep 0.1; done"],
      { env },
    );
    await running.until(/^on$/m);
    expect(await engine.containers()).toEqual([name]);
    process.kill(running.pid, "SIGTERM");
    const said = await running.ended;
    expect(said.exitCode, said.output).toBe(5);
    expect(said.stdout).toBe("on\nbye");
    expect(await engine.containers()).toEqual([]);
  });

  it("is what jobs run in, by the same entrypoints", async () => {
    const job = (name: string, entrypoint: string, ...words: string[]) =>
      shell.ask([
        ...[
          "job",
          "run",
          "--project-root",
          workspace,
          "--job",
          name,
          "-e",
          entrypoint,
          "--wait",
          "--",
          ...words,
        ],
      ]);
    const build = await job("a", "spack-build", "--lock", "/workspace/spack/mine");
    expect(build.exitCode, build.output).toBe(0);
    const plain = await job("b", "run-job", "bash", "-c", "echo $SYGALDRY_IN_CONTAINER $(id -u)");
    expect(plain.exitCode, plain.output).toBe(0);
    expect((await shell.ask(["job", "tail", "--job", "b", "--output"])).stdout).toBe(`1 ${USER}`);
    expect(
      readdirSync(join(root, "logs")).every((file) => statSync(join(root, "logs", file)).uid === USER),
    ).toBe(true);
  });
});
