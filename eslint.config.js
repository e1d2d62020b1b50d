import importX from 'eslint-plugin-import-x';
import tseslint from 'typescript-eslint';

const subjects = [
  'node',
  'applications',
  'cloud',
  'containers',
  'latency',
  'listens',
  'logs',
  'oom',
  'resources',
  'tcp',
  'volumes',
];
/** The only files that know everybody. */
const wiring = ['src/main.ts', 'src/agent.ts', 'src/tracing.ts'];
const foundations = ['host', 'kernel', 'native', 'catalogue', 'model'];

/** Zone of import-x/no-restricted-paths: `target` may import nothing of `from`. */
const zone = (target, from, message) => ({ target, from, message });

export default tseslint.config(
  { ignores: ['build/', 'dist/', 'node_modules/', 'helm/'] },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    plugins: { 'import-x': importX },
    settings: { 'import-x/resolver': { node: { extensions: ['.ts'] } } },
    rules: {
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/require-await': 'off',
      'import-x/no-cycle': 'error',
      'import-x/no-default-export': 'error',
      'import-x/no-restricted-paths': [
        'error',
        {
          zones: [
            ...subjects.map((subject) =>
              zone(
                `./src/${subject}`,
                subjects.filter((other) => other !== subject).map((other) => `./src/${other}`),
                'subjects do not import each other: meet in src/model',
              ),
            ),
            ...[...foundations, 'telemetry'].map((room) =>
              zone(
                `./src/${room}`,
                subjects.map((subject) => `./src/${subject}`),
                'what everybody stands on knows no subject',
              ),
            ),
            ...foundations.map((room) =>
              zone(`./src/${room}`, './src/telemetry', 'telemetry is reached through the OpenTelemetry API'),
            ),
            ...subjects.map((subject) =>
              zone(`./src/${subject}`, './src/telemetry', 'subjects see only the OpenTelemetry API'),
            ),
            zone('./config', './src', 'configuration knows nothing of what it configures'),
            zone(
              ['./src', './config'],
              ['./test', './tools'],
              'the product does not import its tests and tools',
            ),
          ],
        },
      ],
    },
  },
  {
    files: ['src/**/*.ts'],
    ignores: [...wiring, 'src/catalogue/*', '**/*.test.ts'],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            { regex: '^(\\.\\.?/)+(agent|tracing|main)\\.ts$', message: 'the wiring is imported by nobody' },
          ],
        },
      ],
    },
  },
  {
    files: ['**/*.test.ts', 'test/**/*.ts'],
    rules: { '@typescript-eslint/no-floating-promises': 'off', '@typescript-eslint/unbound-method': 'off' },
  },
);
