/** Directions of dependencies. Each comment says what to do instead. */
const only = (name, from, to, comment) => ({
  name,
  severity: 'error',
  comment,
  from: { path: from, pathNot: '(\\.test|/contract)\\.ts$|^tests/' },
  to,
});

module.exports = {
  forbidden: [
    {
      name: 'no-cycles',
      severity: 'error',
      comment: 'Move what both need into a file of its own.',
      from: {},
      to: { circular: true },
    },
    only(
      'core-knows-nobody',
      '^core/',
      { path: '^(api|daemon|models|pipelines|safety|scripts)/' },
      'core holds contracts: pass what you need in, or move the contract here.',
    ),
    only(
      'api-knows-core-only',
      '^api/',
      { path: '^(daemon|models|pipelines|safety|scripts)/' },
      'The API meets the daemon through NATS: add a message to core/messages.ts.',
    ),
    only(
      'models-below-pipelines',
      '^models/',
      { path: '^(api|daemon|pipelines|safety|scripts)/' },
      'models loads and runs graphs; what they are for belongs in pipelines or safety.',
    ),
    only(
      'pipelines-and-safety-are-siblings',
      '^pipelines/',
      { path: '^(api|daemon|safety|scripts)/' },
      'The executor joins a pipeline with its checks: see daemon/executor.',
    ),
    only(
      'safety-and-pipelines-are-siblings',
      '^safety/',
      { path: '^(api|daemon|pipelines|scripts)/' },
      'The executor joins a check with what it checks: see daemon/executor.',
    ),
    only(
      'daemon-knows-no-api',
      '^daemon/',
      { path: '^(api|scripts)/' },
      'The daemon meets the API through NATS: add a message to core/messages.ts.',
    ),
    only(
      'schedulers-are-pure',
      '^pipelines/schedulers/',
      { path: '^(models/session|models/pack|pipelines/(?!schedulers|noise))' },
      'A scheduler is arithmetic on arrays: give it what it needs as arguments.',
    ),
    only(
      'onnxruntime-in-one-file',
      '^(?!models/session\\.ts|scripts/bench/)',
      { path: 'node_modules/onnxruntime-node' },
      'Use GraphSession of models/session.ts.',
    ),
    only(
      'supervisor-without-onnx',
      '^daemon/(?!executor/)',
      {
        path: '^(models/session|pipelines/|daemon/executor/(?!protocol))',
        dependencyTypesNot: ['type-only'],
      },
      'Graphs run in the executor process: talk to it through daemon/executor-host.ts.',
    ),
    only(
      'nats-behind-core',
      '^(?!core/broker/)',
      { path: 'node_modules/nats', dependencyTypesNot: ['type-only'] },
      'Use core/broker.',
    ),
    only(
      'sql-behind-api-database',
      '^(?!api/database/)',
      { path: 'node_modules/(kysely|libsql|pg)/', dependencyTypesNot: ['type-only'] },
      'Add a function to api/database.',
    ),
    only(
      'product-needs-no-dev-packages',
      '^(api|core|daemon|models|pipelines|safety)/',
      { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'] },
      'Make it a dependency, or keep it in tests and scripts.',
    ),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(dist|\\.cache|node_modules/\\.)' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
    },
  },
};
