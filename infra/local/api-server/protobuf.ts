/**
 * Reads what clients written in Go send for built-in types: `k8s\0`, then a `runtime.Unknown` around the message.
 * Only the messages and fields that the server serves are described; unknown fields are passed over.
 */
import type { Root, Type } from 'protobufjs';
import { badRequest } from './status-error.ts';
import { isTree, type Tree } from './tree.ts';

const MAGIC = Buffer.from('k8s\0');

/** Field numbers are those of the published Kubernetes API. */
const MESSAGES = `
syntax = "proto2";
message Unknown { optional TypeMeta typeMeta = 1; optional bytes raw = 2; optional string contentEncoding = 3; optional string contentType = 4; }
message TypeMeta { optional string apiVersion = 1; optional string kind = 2; }
message Time { optional int64 seconds = 1; optional int32 nanos = 2; }
message MicroTime { optional int64 seconds = 1; optional int32 nanos = 2; }
message ObjectMeta {
  optional string name = 1; optional string generateName = 2; optional string namespace = 3;
  optional string uid = 5; optional string resourceVersion = 6; optional int64 generation = 7;
  optional Time creationTimestamp = 8; optional Time deletionTimestamp = 9;
  map<string, string> labels = 11; map<string, string> annotations = 12;
  repeated OwnerReference ownerReferences = 13; repeated string finalizers = 14;
}
message OwnerReference {
  optional string kind = 1; optional string name = 3; optional string uid = 4; optional string apiVersion = 5;
  optional bool controller = 6; optional bool blockOwnerDeletion = 7;
}
message ObjectReference {
  optional string kind = 1; optional string namespace = 2; optional string name = 3; optional string uid = 4;
  optional string apiVersion = 5; optional string resourceVersion = 6; optional string fieldPath = 7;
}
message LocalObjectReference { optional string name = 1; }
message Namespace { optional ObjectMeta metadata = 1; optional NamespaceSpec spec = 2; optional NamespaceStatus status = 3; }
message NamespaceSpec { repeated string finalizers = 1; }
message NamespaceStatus { optional string phase = 1; }
message Secret {
  optional ObjectMeta metadata = 1; map<string, bytes> data = 2; optional string type = 3;
  map<string, string> stringData = 4; optional bool immutable = 5;
}
message ConfigMap {
  optional ObjectMeta metadata = 1; map<string, string> data = 2; map<string, bytes> binaryData = 3;
  optional bool immutable = 4;
}
message ServiceAccount {
  optional ObjectMeta metadata = 1; repeated ObjectReference secrets = 2;
  repeated LocalObjectReference imagePullSecrets = 3; optional bool automountServiceAccountToken = 4;
}
message Event {
  optional ObjectMeta metadata = 1; optional ObjectReference involvedObject = 2; optional string reason = 3;
  optional string message = 4; optional EventSource source = 5; optional Time firstTimestamp = 6;
  optional Time lastTimestamp = 7; optional int32 count = 8; optional string type = 9;
  optional MicroTime eventTime = 10; optional string action = 12; optional ObjectReference related = 13;
  optional string reportingComponent = 14; optional string reportingInstance = 15;
}
message EventSource { optional string component = 1; optional string host = 2; }
message Lease { optional ObjectMeta metadata = 1; optional LeaseSpec spec = 2; }
message LeaseSpec {
  optional string holderIdentity = 1; optional int32 leaseDurationSeconds = 2; optional MicroTime acquireTime = 3;
  optional MicroTime renewTime = 4; optional int32 leaseTransitions = 5;
}
message TokenRequest { optional ObjectMeta metadata = 1; optional TokenRequestSpec spec = 2; }
message TokenRequestSpec { repeated string audiences = 1; optional ObjectReference boundObjectRef = 3; optional int64 expirationSeconds = 4; }
message SelfSubjectReview { optional ObjectMeta metadata = 1; }
message SelfSubjectAccessReview { optional ObjectMeta metadata = 1; optional AccessSpec spec = 2; }
message AccessSpec { optional ResourceAttributes resourceAttributes = 1; optional NonResourceAttributes nonResourceAttributes = 2; }
message ResourceAttributes {
  optional string namespace = 1; optional string verb = 2; optional string group = 3; optional string version = 4;
  optional string resource = 5; optional string subresource = 6; optional string name = 7;
}
message NonResourceAttributes { optional string path = 1; optional string verb = 2; }
message SelfSubjectRulesReview { optional ObjectMeta metadata = 1; optional RulesSpec spec = 2; }
message RulesSpec { optional string namespace = 1; }
message DeleteOptions {
  optional int64 gracePeriodSeconds = 1; optional Preconditions preconditions = 2; optional bool orphanDependents = 3;
  optional string propagationPolicy = 4; repeated string dryRun = 5;
}
message Preconditions { optional string uid = 1; optional string resourceVersion = 2; }
`;

let loaded: Promise<Root> | undefined;

function loadMessages(): Promise<Root> {
  loaded ??= import('protobufjs').then(({ default: protobuf }) => {
    return protobuf.parse(MESSAGES, { keepCase: true }).root;
  });
  return loaded;
}

/**
 * The object in a Protobuf body, as its JSON would be.
 * @throws StatusError 400 for a body that is damaged, or of a kind that is not served
 */
export async function decodeProtobuf(body: Buffer): Promise<Tree> {
  if (!body.subarray(0, MAGIC.length).equals(MAGIC)) {
    throw badRequest(
      'provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]',
    );
  }
  const root = await loadMessages();
  const envelope = decode(root.lookupType('Unknown'), body.subarray(MAGIC.length));
  const type = isTree(envelope.typeMeta) ? envelope.typeMeta : {};
  const apiVersion = String(type.apiVersion ?? '');
  const kind = String(type.kind ?? '');
  const message = root.get(kind) as Type | null;
  if (!message || !/^[A-Z]\w+$/.test(kind)) {
    throw badRequest(`no Protobuf message for ${kind || 'an unnamed kind'} of ${apiVersion}: send JSON`);
  }
  const raw = Buffer.from(String(envelope.raw ?? ''), 'base64');
  return { apiVersion, kind, ...decode(message, raw) };
}

function decode(type: Type, bytes: Uint8Array): Tree {
  try {
    const message = type.decode(bytes);
    const plain = type.toObject(message, { bytes: String, longs: Number, arrays: false, objects: false });
    return toJson(type, plain);
  } catch (error) {
    throw badRequest(`cannot read the Protobuf message ${type.name}: ${(error as Error).message}`);
  }
}

/** Go writes empty texts and structs too; in JSON they are left out. Values of maps stay. */
function toJson(type: Type, plain: Tree): Tree {
  const result: Tree = {};
  for (const field of type.fieldsArray) {
    field.resolve();
    const value = plain[field.name];
    if (value === undefined) continue;
    const memberType = field.resolvedType as Type | null;
    const convert = (item: unknown) => (memberType && isTree(item) ? structToJson(memberType, item) : item);
    const json = field.repeated && Array.isArray(value) ? value.map(convert) : convert(value);
    if (json !== '' && json !== undefined) result[field.name] = json;
  }
  return result;
}

function structToJson(type: Type, plain: Tree): unknown {
  if (type.name === 'Time' || type.name === 'MicroTime') return timeToJson(type.name, plain);
  const json = toJson(type, plain);
  return Object.keys(json).length > 0 ? json : undefined;
}

function timeToJson(type: 'Time' | 'MicroTime', plain: Tree): string | undefined {
  const seconds = Number(plain.seconds ?? 0);
  if (seconds === 0) return undefined;
  const whole = new Date(seconds * 1000).toISOString().slice(0, 19);
  if (type === 'Time') return `${whole}Z`;
  return `${whole}.${String(Math.floor(Number(plain.nanos ?? 0) / 1000)).padStart(6, '0')}Z`;
}
