/** A real S3 server over a folder. Needs the part `versitygw`. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { part } from './parts.ts';
import { freePort, startProcess } from './process.ts';

export interface S3Server {
  /** What `createS3Store` needs to reach it. */
  bucket: string;
  endpoint: string;
  region: string;
  credentials: { accessKeyId: string; secretAccessKey: string };
  /** Where the server keeps the bucket: tests spoil files there. */
  folder: string;
  stop(): Promise<void>;
}

const BUCKET = 'longshore';

/** Starts a server with one empty bucket. */
export async function startVersitygw(): Promise<S3Server> {
  const root = mkdtempSync(join(tmpdir(), 'longshore-s3-'));
  mkdirSync(join(root, BUCKET));
  const credentials = { accessKeyId: 'test', secretAccessKey: 'testtesttest' };
  const port = await freePort();
  const server = await startProcess(part('versitygw')!, ['--port', `127.0.0.1:${port}`, 'posix', root], {
    env: { ROOT_ACCESS_KEY: credentials.accessKeyId, ROOT_SECRET_KEY: credentials.secretAccessKey },
    port,
  });
  return {
    bucket: BUCKET,
    endpoint: `http://127.0.0.1:${port}`,
    region: 'us-east-1',
    credentials,
    folder: join(root, BUCKET),
    async stop() {
      await server.stop();
      rmSync(root, { recursive: true, force: true });
    },
  };
}

/** Lets everybody read the bucket without a signature, as a CDN or a VPC endpoint does. */
export async function allowReading({ bucket, endpoint, region, credentials }: S3Server): Promise<void> {
  const { PutBucketPolicyCommand, S3Client } = await import('@aws-sdk/client-s3');
  const client = new S3Client({ endpoint, region, credentials, forcePathStyle: true });
  const allow = (action: string, resource: string) => ({
    Effect: 'Allow',
    Principal: '*',
    Action: action,
    Resource: `arn:aws:s3:::${resource}`,
  });
  const policy = {
    Version: '2012-10-17',
    // Without the second right the answer to what is missing would be 403.
    Statement: [allow('s3:GetObject', `${bucket}/*`), allow('s3:ListBucket', bucket)],
  };
  await client.send(new PutBucketPolicyCommand({ Bucket: bucket, Policy: JSON.stringify(policy) }));
  client.destroy();
}
