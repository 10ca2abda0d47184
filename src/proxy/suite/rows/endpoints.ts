/** Which endpoints make up list C (everywhere) and list L (this node). */
import { row, type RowGroup } from '../row.ts'

export const endpoints: RowGroup = {
  title: 'Endpoints',
  rows: [
    row('endpoints: not ready ones unused', 'Neither ready nor serving: never used.'),
    row('endpoints: draining only without ready ones', 'Serving and terminating: used while no other is ready.'),
    row('endpoints: serving but not terminating never used', 'Serving alone is not enough.'),
    row('endpoints: ready and terminating used', 'Ready is enough, whatever else is said; silence means ready.'),
    row(
      'endpoints: several slices, repeats',
      'Slices add up; an endpoint in two of them is one, and ready in one is ready.',
    ),
    row(
      'endpoints: no port of that name',
      'A placeholder, or slices without the port name and protocol, is no endpoint.',
    ),
    row('endpoints: hostNetwork', 'A pod in the network of its node is an endpoint as any other.'),
    row('list L: no topology', 'Hints choose among all endpoints, never among those of the node.'),
    row(
      'list L: draining only without ready ones here',
      'L falls back to draining ones by itself, whoever is ready elsewhere.',
    ),
    row(
      'local: by the node that the endpoint names',
      'An endpoint is local where its nodeName says so, wherever its address leads.',
    ),
    row('topology: node hints', 'All have node hints, some of them for this node: those. Before hints for zones.'),
    row('topology: zone hints', 'Else all have zone hints, some of them for this zone: those.'),
    row('topology: one endpoint without hint', 'One without a hint switches hints off.'),
    row('topology: hints for others only', 'Hints that leave nobody do not count.'),
    row('topology: node without zone', 'On a node without a zone zone hints do not count.'),
    row('topology: ready endpoints only', 'Endpoints that are not ready have no say in whether hints count.'),
    row('topology: not for draining ones', 'The draining ones of the whole cluster stand in, whatever their hints.'),
    row('endpoint replaced, added, removed', 'New connections follow a change of endpoints.'),
  ],
}
