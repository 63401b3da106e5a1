import type { FastifyInstance } from 'fastify';
import { apiGroup, apiVersion, type Resource, resources } from '../../../api/index.ts';
import type { RouteContext } from '../route-context.ts';

const version = apiVersion.slice(apiGroup.length + 1);
const groupVersion = { groupVersion: apiVersion, version };
const group = { name: apiGroup, versions: [groupVersion], preferredVersion: groupVersion };

/** What kinds there are and where, as Kubernetes' discovery says it. */
export function discoveryRoutes({ service }: RouteContext) {
  return async (app: FastifyInstance) => {
    app.get('/version', async () => ({ major: '1', minor: '33', ...service.version(), platform: 'linux' }));
    app.get('/api', async () => ({ kind: 'APIVersions', versions: [] }));
    app.get('/apis', async () => ({ kind: 'APIGroupList', apiVersion: 'v1', groups: [group] }));
    app.get(`/apis/${apiGroup}`, async () => ({ kind: 'APIGroup', apiVersion: 'v1', ...group }));
    app.get(`/apis/${apiVersion}`, async () => ({
      kind: 'APIResourceList',
      apiVersion: 'v1',
      groupVersion: apiVersion,
      resources: Object.values(resources).flatMap(entriesOf),
    }));
  };
}

const readVerbs = ['get', 'list', 'watch'];
const subresourceVerbs: Record<string, string[]> = {
  status: ['get', 'patch', 'update'],
  binding: ['create'],
  log: ['get'],
  heartbeat: ['create'],
  jointoken: ['create'],
  credential: ['create'],
};

function entriesOf(resource: Resource): object[] {
  const { plural, singular, namespaced, kind, shortNames, userWritable, hasStatus } = resource;
  const verbs = [...readVerbs, 'create', 'patch', 'delete', ...(userWritable ? ['update'] : [])];
  const subresources = [
    ...(hasStatus ? ['status'] : []),
    ...(kind === 'Run' ? ['binding', 'log'] : []),
    ...(kind === 'Node' ? ['heartbeat', 'jointoken', 'credential'] : []),
  ];
  return [
    { name: plural, singularName: singular, namespaced, kind, verbs, shortNames, categories: ['river'] },
    ...subresources.map((name) => ({
      name: `${plural}/${name}`,
      singularName: '',
      namespaced,
      kind,
      verbs: subresourceVerbs[name],
    })),
  ];
}
