/** Hosts of ECR (IR-AWS-1, appendix D.3). */

export interface EcrHost {
  kind: 'private' | 'public';
  /** Region of the registry; its API and STS are asked there. */
  region: string;
  fips: boolean;
  /** Host of the dual-stack (IPv6) kind: the API is asked at its dual-stack address too. */
  dualStack: boolean;
}

/** Anchored at both ends: credentials never go to `….amazonaws.com.evil.example`. */
const PRIVATE =
  /^([0-9]{12})\.dkr[.-]ecr(-fips)?\.([a-z0-9-]+)\.(amazonaws\.com(?:\.cn)?|amazonaws\.eu|sc2s\.sgov\.gov|c2s\.ic\.gov|cloud\.adc-e\.uk|csp\.hci\.ic\.gov|on\.aws)$/;

const PUBLIC = 'public.ecr.aws';

/** What an ECR host tells; undefined for every other host, also one with a port. */
export function parseEcrHost(host: string): EcrHost | undefined {
  if (host === PUBLIC) return { kind: 'public', region: 'us-east-1', fips: false, dualStack: false };
  const match = PRIVATE.exec(host);
  if (!match) return undefined;
  const [, , fips, region = '', suffix] = match;
  return { kind: 'private', region, fips: fips !== undefined, dualStack: suffix === 'on.aws' };
}
