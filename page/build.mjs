// Builds the page into `dist`, or into the folder named: `node build.mjs [FOLDER]`. `--tests` builds the tests instead.
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const common = { bundle: true, format: "esm", target: "es2022", logLevel: "warning", absWorkingDir: here };
const argument = process.argv[2];

if (argument === "--tests") {
  const names = (await readdir(join(here, "tests"))).filter((name) => name.endsWith(".test.ts"));
  const out = join(here, "dist-tests");
  await rm(out, { recursive: true, force: true });
  const entryPoints = names.map((name) => join(here, "tests", name));
  await build({ ...common, entryPoints, outdir: out, platform: "node", outExtension: { ".js": ".mjs" } });
} else {
  const out = argument ? resolve(argument) : join(here, "dist");
  const entryPoints = ["src/main.ts", "src/style.css"];
  const { outputFiles } = await build({ ...common, entryPoints, outdir: out, minify: true, write: false });
  const files = new Map(outputFiles.map(({ path, contents }) => [basename(path), Buffer.from(contents)]));
  for (const name of ["index.html", "icon.svg"]) files.set(name, await readFile(join(here, name)));
  await mkdir(out, { recursive: true });
  for (const name of await readdir(out)) {
    // What an earlier build left is not part of this one; the file that keeps the folder in git is.
    if (!name.startsWith(".") && !files.has(name)) await rm(join(out, name), { recursive: true });
  }
  for (const [name, content] of files) {
    const path = join(out, name);
    const before = await readFile(path).catch(() => null);
    // One that is written anew has the emulator compiled anew.
    if (!before?.equals(content)) await writeFile(path, content);
  }
}
