/** What `serverless.yml` becomes: the CloudFormation template that osls writes without network and credentials. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before } from 'node:test';
import { promisify } from 'node:util';
import { listFunctions, PROJECT_FOLDER } from '../../infra/bundle/functions.ts';

export interface Statement {
  Action: string | string[];
  Resource: unknown;
  Condition?: unknown;
}

export interface PolicyDocument {
  Statement: Statement[];
}

export interface TemplateResource {
  Type: string;
  Condition?: string;
  DeletionPolicy?: string;
  DependsOn?: string[];
  Properties: Record<string, unknown>;
}

export interface Template {
  Conditions: Record<string, unknown>;
  Resources: Record<string, TemplateResource>;
}

/** What stands at a path below a value. */
export function at(value: unknown, ...path: (string | number)[]): unknown {
  return path.reduce<unknown>((inner, step) => (inner as Record<string, unknown>)?.[step], value);
}

const osls = createRequire(import.meta.url).resolve('serverless/bin/serverless.js');

/** The template of a stage without any parameter, for the tests of a file, and with others on demand. */
export function useTemplate() {
  let folder: string;
  let template: Template;

  /** The template with these parameters; the environment has no home, no profile and no key. */
  async function withParameters(...parameters: string[]): Promise<Template> {
    const args = parameters.flatMap((parameter) => ['--param', parameter]);
    await promisify(execFile)(process.execPath, [osls, 'package', ...args], {
      cwd: folder,
      env: { PATH: process.env.PATH, HOME: folder },
    });
    const file = join(folder, '.serverless/cloudformation-template-update-stack.json');
    return JSON.parse(await readFile(file, 'utf8')) as Template;
  }

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'longshore-template-'));
    await cp(join(PROJECT_FOLDER, 'serverless.yml'), join(folder, 'serverless.yml'));
    await cp(join(PROJECT_FOLDER, 'infra', 'aws'), join(folder, 'infra', 'aws'), { recursive: true });
    for (const { artifact } of listFunctions(folder)) {
      await mkdir(dirname(artifact), { recursive: true });
      await writeFile(artifact, '');
    }
    template = await withParameters();
  });
  after(() => rm(folder, { recursive: true }));

  const resourcesOf = (type: string): TemplateResource[] =>
    Object.values(template.Resources).filter((resource) => resource.Type === type);

  return {
    get template() {
      return template;
    },
    withParameters,
    resourcesOf,
    /** Properties of a function. */
    lambdaOf(name: string): TemplateResource['Properties'] {
      const found = resourcesOf('AWS::Lambda::Function').find(
        ({ Properties }) => Properties.FunctionName === `longshore-dev-${name}`,
      );
      assert.ok(found, `no function longshore-dev-${name}`);
      return found.Properties;
    },
  };
}
