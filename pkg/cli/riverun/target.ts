import { UsageError } from '../errors.ts';
import type { LocalMachine } from './local-machine.ts';

/** Calls MODULE:FUNCTION with the arguments as texts, or with none where it takes none; they are in sys.argv too. */
const callFunction = `
import importlib, inspect, sys
name, args = sys.argv[1], sys.argv[2:]
sys.argv = [name] + args
module, _, path = name.partition(':')
function = importlib.import_module(module)
for part in path.split('.'):
    function = getattr(function, part)
kinds = {parameter.kind for parameter in inspect.signature(function).parameters.values()}
positional = {inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.VAR_POSITIONAL}
function(*args) if kinds & positional else function()
`.trim();

const findModule = 'import importlib.util, sys; sys.exit(0 if importlib.util.find_spec(sys.argv[1]) else 9)';

const moduleName = /^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*$/;
const functionName = /^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*(\.[A-Za-z_]\w*)*$/;

export interface TargetFlags {
  /** The first word is a Python module or function, whatever programs there are. */
  module?: boolean;
  /** The interpreter, by name or path. */
  python: string;
}

export interface Target {
  /** The words in front of the arguments: a program as it is; for a Python function or module, the interpreter that runs it. */
  argv: string[];
  /** How a person would write them. */
  shown: string[];
}

/** Raises UsageError for what is neither a program nor a module nor a function. */
export async function resolveTarget(
  word: string,
  { module, python }: TargetFlags,
  machine: LocalMachine,
  signal: AbortSignal,
): Promise<Target> {
  if (!module && machine.hasProgram(word)) return { argv: [word], shown: [word] };
  if (functionName.test(word))
    return { argv: [python, '-c', callFunction, word], shown: ['riverun', '-m', word] };
  if (moduleName.test(word)) {
    const argv = [python, '-c', findModule, word];
    const found = await machine.run({ argv, env: {} }, signal, { stdout: () => {}, stderr: () => {} });
    if ('exitCode' in found && found.exitCode === 0)
      return { argv: [python, '-m', word], shown: [python, '-m', word] };
    if ('problem' in found)
      throw new UsageError(`riverun: there is no program ${word}, and ${python} ${found.problem}`);
  }
  const what = module ? '' : 'a program in PATH, or ';
  throw new UsageError(
    `riverun: ${word} is not ${what}a Python module or module:function that ${python} finds from here`,
  );
}
