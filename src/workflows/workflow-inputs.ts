import {
  MAX_PARAMETERS,
  type ValueSource,
  type Workflow,
  type WorkflowParameter,
  type WorkflowProvider,
} from "./workflow.ts";

/** All that a workflow can be told; what does not apply is empty. */
export interface WorkflowValues {
  /** The deployment's number, or the candidate's id for CI systems. */
  readonly id: string;
  /** Of this attempt alone. */
  readonly run: string;
  readonly commit: string;
  readonly version: string;
  readonly releaseVersion: string;
  readonly candidateNumber: string;
  readonly fromVersion: string;
  readonly environment: string;
  readonly actor: string;
  readonly isRollback: boolean;
  /** `ref@digest` by service. */
  readonly images: Readonly<Record<string, string>>;
}

/** The names under which every workflow gets them (Aviator's documents; notes, section 4.1). */
const DEFAULTS = {
  deploy: { id: "aviator_deployment_id" },
  build: { id: "aviator_release_cut_id" },
} as const;

/** The inputs of a workflow: those that every workflow gets, then its own parameters; of one name the last counts. */
export function workflowInputs(
  workflow: Pick<Workflow, "provider" | "parameters">,
  purpose: "deploy" | "build",
  values: WorkflowValues,
): Record<string, string> {
  const own = workflow.parameters.map((parameter) => [parameter.name, valueOf(parameter, values)] as const);
  return { ...DEFAULT_INPUTS[workflow.provider](purpose, values), ...Object.fromEntries(own) };
}

const DEFAULT_INPUTS = {
  github: githubDefaults,
  command: commandDefaults,
} as const satisfies Record<WorkflowProvider, unknown>;

/** A release without candidates has no commit, and an empty input is none. */
function githubDefaults(purpose: "deploy" | "build", values: WorkflowValues): Record<string, string> {
  return {
    [DEFAULTS[purpose].id]: values.id,
    ...(values.commit !== "" && { aviator_release_cut_commit_hash: values.commit }),
    aviator_release_candidate_version: values.version,
  };
}

function commandDefaults(purpose: "deploy" | "build", values: WorkflowValues): Record<string, string> {
  const id = purpose === "deploy" ? "DEPLOYMENT_ID" : "RELEASE_CUT_ID";
  return {
    [`HEADGATE_${id}`]: values.id,
    HEADGATE_VERSION: values.version,
    HEADGATE_RELEASE_VERSION: values.releaseVersion,
    HEADGATE_COMMIT: values.commit,
    HEADGATE_ACTOR: values.actor,
    ...(purpose === "deploy" && {
      HEADGATE_ENVIRONMENT: values.environment,
      HEADGATE_IS_ROLLBACK: String(values.isRollback),
    }),
    [`AVIATOR_${id}`]: values.id,
    AVIATOR_RELEASE_CUT_COMMIT_HASH: values.commit,
    AVIATOR_RELEASE_CANDIDATE_VERSION: values.version,
  };
}

const SOURCES = {
  custom: (_, written) => written,
  id: ({ id }) => id,
  run: ({ run }) => run,
  commit: ({ commit }) => commit,
  version: ({ version }) => version,
  release_version: ({ releaseVersion }) => releaseVersion,
  candidate_number: ({ candidateNumber }) => candidateNumber,
  from_version: ({ fromVersion }) => fromVersion,
  environment: ({ environment }) => environment,
  actor: ({ actor }) => actor,
  is_rollback: ({ isRollback }) => String(isRollback),
  image: ({ images }, service) => images[service] ?? "",
  items: ({ images }) => JSON.stringify(images),
} as const satisfies Record<ValueSource, (values: WorkflowValues, written: string) => string>;

const valueOf = ({ source, value }: WorkflowParameter, values: WorkflowValues): string =>
  SOURCES[source](values, value);

const COMMAND_NAME = /^(?:HEADGATE|AVIATOR)_[A-Z0-9_]+$/;

/** What is wrong with a workflow's parameters for its provider; null: nothing. */
export function problemWith({
  provider,
  parameters,
}: Pick<Workflow, "provider" | "parameters">): string | null {
  if (provider === "command") {
    const odd = parameters.find(({ name }) => !COMMAND_NAME.test(name));
    return odd ? `parameters: ${odd.name} must begin with HEADGATE_ or AVIATOR_ and be in capitals` : null;
  }
  const names = new Set([
    ...Object.keys(githubDefaults("deploy", NO_VALUES)),
    ...parameters.map(({ name }) => name),
  ]);
  return names.size > MAX_PARAMETERS
    ? `parameters: GitHub takes ${MAX_PARAMETERS} inputs, and these are ${names.size} with those that every workflow gets`
    : null;
}

/** With a commit, for with one there are most. */
const NO_VALUES: WorkflowValues = {
  id: "",
  run: "",
  commit: "0",
  version: "",
  releaseVersion: "",
  candidateNumber: "",
  fromVersion: "",
  environment: "",
  actor: "",
  isRollback: false,
  images: {},
};
