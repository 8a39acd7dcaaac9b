import { Command } from "commander";
import { describe, expect, it } from "vitest";
import { addClientCommands } from "../../src/cli/client-commands.ts";
import { runProgram } from "./headgate.ts";

const helpOf = (command: Command): string => {
  let text = "";
  command.configureOutput({ writeOut: (part) => (text += part) });
  command.outputHelp();
  return text;
};

const program = new Command("headgate");
addClientCommands(program);
const groups = program.commands.filter((command) => command.commands.length > 0);
const leaves = [...program.commands, ...groups.flatMap((group) => group.commands)].filter(
  (command) => command.commands.length === 0,
);
const pathOf = (command: Command): string =>
  command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`;

describe("the help of the command line", () => {
  it.each(leaves.map((command) => [pathOf(command), command] as const))(
    "of %s has an example, --json and the exit codes",
    (path, command) => {
      const text = helpOf(command);
      expect(command.description()).toMatch(/^[A-Z]/);
      expect(text).toContain("--json");
      expect(text).toMatch(/Exit codes:\n {2}0 {2}done/);
      const [, examples = ""] = text.split("Examples:\n");
      expect(examples).toContain(path);
    },
  );

  it("takes no password as an argument", () => {
    const flags = leaves.flatMap((command) =>
      command.options.map((option) => `${pathOf(command)} ${option.flags}`),
    );
    expect(flags.filter((flag) => /(password|secret|token) <|(password|secret|token) \[/.test(flag))).toEqual(
      [],
    );
  });

  it("has every command line of its examples in a form that the program understands", () => {
    const known = new Set(leaves.map(pathOf));
    const examples = leaves.flatMap(
      (command) => (helpOf(command).split("Examples:\n")[1] ?? "").split("\n\n")[0] ?? "",
    );
    const lines = [...examples.join("\n").matchAll(/headgate ((?:[a-z]+(?:-[a-z]+)* ?)+)/g)].map(([line]) =>
      line.trim(),
    );
    const unknown = lines.filter(
      (line) => ![...known].some((path) => line === path || line.startsWith(`${path} `)),
    );
    expect(unknown).toEqual([]);
  });

  it("of the whole program is enough for a first release", async () => {
    const { code, stdout } = await runProgram(["--help"], {});
    expect(code).toBe(0);
    for (const step of [
      "serve",
      "project create",
      "registry add",
      "release create",
      "--watch",
      "release show",
    ])
      expect(stdout).toContain(step);
  });
});
