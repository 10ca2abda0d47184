/** How rules get into the kernel, and stay there. */
import { limit, row, testsOf, type RowGroup } from '../row.ts'

const proxy = testsOf('src/proxy/start-proxy.test.ts')
const routes = testsOf('src/proxy/desired-routes.test.ts')
const adoption = testsOf('src/proxy/nftables/adoption.kernel.test.ts')
const plans = testsOf('src/proxy/nftables/plan-elements.test.ts')
const transactions = testsOf('src/kernel/netlink/nftables.kernel.test.ts')

export const rules: RowGroup = {
  title: 'Rules in the kernel',
  rows: [
    row(
      'sync: one transaction',
      'What changed together is written together, or not at all.',
      proxy('the changes of one turn are one transaction, with the keys that changed'),
      transactions('waited for: a refused message is named, and nothing happens'),
    ),
    row(
      'sync: at once',
      'Changed endpoints wait for nothing; new connections never meet a half-written list.',
      proxy('changed endpoints do not wait for the end of the turn'),
      testsOf('src/proxy/nftables/churn.kernel.test.ts')(
        'no connection fails while endpoints are replaced, affinity None',
      ),
      testsOf('src/proxy/nftables/last-endpoint.kernel.test.ts')(
        'the only endpoint comes and goes while a node connects, affinity None',
      ),
    ),
    row(
      'sync: differences alone',
      'Only what differs is written, by a proxy that runs and by one that finds its table.',
      routes('a change touches the ports of its own Service only', 'nothing new: nothing changed'),
      plans('whatever came before, the table means what was asked for last'),
      adoption('a restarted proxy finds its table and changes no element'),
    ),
    row(
      'sync: everything again',
      'First, after a failure and after a change of Service ranges everything is looked at.',
      proxy(
        'after a failure everything is written again',
        'ServiceCIDR objects: their ranges of the family, beside the configured ones, reach the back end',
      ),
    ),
    row(
      'sync: leftovers',
      'What an earlier proxy left and nobody wants is removed.',
      adoption('a restarted proxy makes up for what changed meanwhile, and keeps the places of the rest'),
      plans('adoption of any table leads to what was asked for, and of the right one changes nothing'),
    ),
    row(
      'sync: restart',
      'A proxy that starts again breaks no connection.',
      testsOf('src/proxy/nftables/restart.kernel.test.ts')(
        'a proxy that starts again loses no connection, new or kept',
      ),
    ),
    row(
      'table: our own',
      'The table belongs to the proxy alone, and it touches no other; the two families do not disturb each other.',
      adoption("another program's table is no damage, and survives clean-up"),
      testsOf('src/proxy/nftables/shared-ruleset.kernel.test.ts')(
        'how often tables are listed by back ends that know of each other',
      ),
    ),
    row(
      'table: readable',
      '`nft` prints all of it, with names of Services.',
      adoption('nft prints the whole table, with names'),
    ),
    row(
      'repair: flushed by somebody',
      'Whatever somebody else removes or adds is made good.',
      adoption(
        'repaired: an element deleted',
        'repaired: a rule added',
        'repaired: a chain flushed',
        'repaired: a policy changed',
        'repaired: the table flushed',
        'repaired: the table deleted',
        'repaired: the ruleset flushed',
      ),
    ),
    row(
      'repair: soon',
      'Within a second, without a change of a Service, and counted.',
      testsOf('src/proxy/nftables/repair-timing.kernel.test.ts')('repaired within a second, and counted'),
    ),
    row(
      'sync: a failure is told',
      'With what the kernel refused.',
      transactions('waited for: a refused message is named, and nothing happens'),
    ),
    row(
      "layout: kube-proxy's names, leftovers of other proxies",
      "Chains and maps under kube-proxy's names; none of another mode or proxy.",
      limit(
        "The nftables table `frontdesk` shares no names with kube-proxy's, and nothing that another proxy left is looked for",
      ),
    ),
    row('mode iptables, mode ipvs', 'Other ways into the kernel.', limit('nftables is the only proxy mode.')),
  ],
}
