/** The doctor's visits to a deployment, and what is broken before them. */
import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import type { Finding, StepName } from '../../infra/cli/doctor/finding.ts';
import { runCommand } from '../../infra/cli/test-run.ts';
import type { KubeObject } from '../../shared/kube/resource.ts';
import { DEPLOYMENTS, type Deployment, deploy, NAMESPACE, type Pod, RELEASE_NAME } from './deployment.ts';

/** The Deployment of the chart. */
export const OURS = { namespace: NAMESPACE, name: RELEASE_NAME };

type Workload = KubeObject<{ template: { spec: { containers: { args: string[] }[] } } }>;

export const troubles = (findings: Finding[]) => findings.filter(({ result }) => result !== 'ok');
export const of = (findings: Finding[], step: StepName) =>
  findings.filter((finding) => finding.step === step);

/**
 * Declares that the suite around the call examines an installation in which all is well: it is there from before the
 * first to after the last test.
 */
export function useExamination() {
  let installed: Deployment;
  let relay: Pod;
  const deployment = () => installed;

  before(async () => {
    // The functions of Quay have tests of their own.
    installed = await deploy({ values: { kinds: { quay: { enabled: false } } } });
    Object.assign(process.env, {
      AWS_ACCESS_KEY_ID: installed.s3.credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: installed.s3.credentials.secretAccessKey,
      AWS_REGION: installed.s3.region,
    });
    relay = await installed.startPod();
    await relay.said('leading, epoch 1');
    await setArgs({ 'artifact-base-url': relay.artifactUrl });
    await setReady(2);
  });
  after(() => installed?.stop());

  /** What the Deployment's controller would write. */
  async function setReady(readyReplicas: number): Promise<void> {
    const status = { replicas: 2, readyReplicas };
    await deployment().kube.patch(DEPLOYMENTS, { ...OURS, subresource: 'status' }, { status });
  }

  /** Puts other values into the flags of the Deployment, and answers what stood there. */
  async function setArgs(flags: Record<string, string>): Promise<string[]> {
    const found = await deployment().kube.get<Workload>(DEPLOYMENTS, OURS);
    const { containers } = found!.spec.template.spec;
    const { args } = containers[0]!;
    const kept = args.filter((arg) => !(arg.slice(2).split('=')[0]! in flags));
    const changed = [...kept, ...Object.entries(flags).map(([name, value]) => `--${name}=${value}`)];
    await putArgs(containers, changed);
    return args;
  }

  async function putArgs(containers: { args: string[] }[], args: string[]): Promise<void> {
    const spec = { template: { spec: { containers: [{ ...containers[0], args }] } } };
    await deployment().kube.patch(DEPLOYMENTS, OURS, { spec });
  }

  async function withArgs<T>(flags: Record<string, string>, work: () => Promise<T>): Promise<T> {
    const before = await setArgs(flags);
    try {
      return await work();
    } finally {
      const found = await deployment().kube.get<Workload>(DEPLOYMENTS, OURS);
      await putArgs(found!.spec.template.spec.containers, before);
    }
  }

  async function examine(...more: string[]): Promise<{ code: number; findings: Finding[] }> {
    const args = ['doctor', '--kubeconfig', deployment().cluster.kubeconfig, '-o', 'json', ...more];
    const { code, stdout, stderr } = await runCommand(args);
    assert.equal(stderr, '');
    const { ok, findings } = JSON.parse(stdout) as { ok: boolean; findings: Finding[] };
    assert.equal(ok, code === 0);
    return { code, findings };
  }

  /** The doctor finds this and nothing else, says what to do, and its exit code tells. */
  async function finds(
    step: StepName,
    result: Finding['result'],
    text: RegExp,
    advice: RegExp,
  ): Promise<void> {
    const { code, findings } = await examine();
    assert.equal(code, result === 'failed' ? 1 : 0, JSON.stringify(troubles(findings)));
    const found = troubles(findings);
    const told = JSON.stringify(found, null, 2);
    assert.ok(found.length > 0 && found.every((each) => each.step === step), told);
    const first = found.find((each) => each.result === result && text.test(each.text));
    assert.ok(first, told);
    assert.match(first.advice ?? '', advice);
  }

  return { deployment, pod: () => relay, setReady, withArgs, examine, finds };
}
