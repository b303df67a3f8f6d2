// Asks Vigie through the official library of Elasticsearch or OpenSearch for Node, and checks the answers.
// usage: search.cjs LIBRARY URL USER PASSWORD; LIBRARY is the name of its package
const assert = require('node:assert/strict');
const { randomUUID } = require('node:crypto');

const [library, node, username, password] = process.argv.slice(2);
const { Client } = require(library);
const client = new Client({ node, auth: { username, password } });
const isOpenSearch = library.startsWith('@opensearch');

const EVENTS = 2_500;
const INDEX = 'shop';
const run = randomUUID();
const mine = { term: { run } };

/** The body of an answer: OpenSearch's library wraps it. */
const bodyOf = (answer) => (isOpenSearch ? answer.body : answer);
/** The parameters of a call that has a body, as each library wants them. */
const asked = (parameters, body) => (isOpenSearch ? { ...parameters, body } : { ...parameters, ...body });
const search = async (parameters, body) => bodyOf(await client.search(asked(parameters, body)));

async function failsWith(status, call) {
  await assert.rejects(call, (error) => {
    assert.equal(error.statusCode ?? error.meta?.statusCode, status, error.message);
    return true;
  });
}

async function store() {
  assert.ok(bodyOf(await client.info()).version.number);
  assert.equal(isOpenSearch ? (await client.ping()).body : await client.ping(), true);
  const begin = Date.now() - 2 * 3_600_000;
  const events = Array.from({ length: EVENTS }, (_, number) => ({
    '@timestamp': new Date(begin + number * 1_000).toISOString(),
    message: `payment ${number} took ${number % 90} ms`,
    service: ['cart', 'till', 'stock'][number % 3],
    level: number % 10 === 0 ? 'error' : 'info',
    amount: number / 4,
    number,
    run,
  }));
  const stored = await client.helpers.bulk({
    datasource: events,
    onDocument: (event) => ({ create: { _index: INDEX, _id: `${run}-${event.number}` } }),
    refreshOnCompletion: true,
    onDrop: (dropped) => assert.fail(JSON.stringify(dropped)),
  });
  assert.deepEqual([stored.successful, stored.failed], [EVENTS, 0]);
}

async function checkSearch() {
  const errors = { bool: { filter: [mine, { term: { 'level.keyword': 'ERROR' } }] } };
  const found = await search({ index: INDEX }, { query: errors, size: 5, sort: [{ '@timestamp': 'desc' }] });
  assert.equal(found.hits.total.value, EVENTS / 10);
  assert.equal(found.hits.hits[0]._id, `${run}-${EVENTS - 10}`);
  const counted = await search({ index: 'ecommerce-logs-*' }, {
    query: mine,
    size: 0,
    aggs: {
      minutes: {
        date_histogram: { field: '@timestamp', fixed_interval: '10m', min_doc_count: 1 },
        aggs: { services: { terms: { field: 'service' }, aggs: { money: { sum: { field: 'amount' } } } } },
      },
      half: { percentiles: { field: 'amount', percents: [50] } },
    },
  });
  const services = counted.aggregations.minutes.buckets.flatMap((bucket) => bucket.services.buckets);
  const money = services.reduce((sum, service) => sum + service.money.value, 0);
  assert.equal(money, (EVENTS * (EVENTS - 1)) / 8);
  assert.equal(counted.aggregations.half.values['50.0'], (EVENTS - 1) / 8);
  assert.equal(bodyOf(await client.count(asked({ index: INDEX }, { query: mine }))).count, EVENTS);
  await failsWith(400, () => search({ index: INDEX }, { query: { more_like_this: { like: 'b' } } }));
  await failsWith(404, () => search({ index: 'nothing-of-that-name' }, {}));
}

async function checkPages() {
  const ids = new Set();
  const scrolled = client.helpers.scrollDocuments(asked({ index: INDEX, scroll: '1m', size: 700 }, { query: mine }));
  for await (const document of scrolled) {
    ids.add(document.number);
  }
  assert.equal(ids.size, EVENTS);

  const opened = bodyOf(isOpenSearch
    ? await client.createPit({ index: INDEX, keep_alive: '1m' })
    : await client.openPointInTime({ index: INDEX, keep_alive: '1m' }));
  const id = opened.pit_id ?? opened.id;
  const seen = [];
  for (let after; ;) {
    const body = { query: mine, size: 700, pit: { id, keep_alive: '1m' }, sort: [{ '@timestamp': 'asc' }] };
    const { hits: { hits } } = await search({}, after ? { ...body, search_after: after } : body);
    if (hits.length === 0) break;
    seen.push(...hits.map((hit) => hit._source.number));
    after = hits.at(-1).sort;
  }
  assert.deepEqual(seen, Array.from({ length: EVENTS }, (_, number) => number));
  await (isOpenSearch ? client.deletePit({ body: { pit_id: [id] } }) : client.closePointInTime({ id }));
}

async function checkIndices() {
  const name = `made-${run}`;
  const mappings = { properties: { title: { type: 'text' } } };
  assert.equal(bodyOf(await client.indices.exists({ index: name })), false);
  bodyOf(await client.indices.create(asked({ index: name }, { mappings })));
  assert.equal(bodyOf(await client.indices.exists({ index: name })), true);
  await client.indices.putMapping(asked({ index: name }, { properties: { price: { type: 'double' } } }));
  const { properties } = bodyOf(await client.indices.getMapping({ index: name }))[name].mappings;
  assert.deepEqual(properties, { title: { type: 'text' }, price: { type: 'double' } });
  assert.ok(bodyOf(await client.indices.get({ index: name }))[name]);
  assert.ok(bodyOf(await client.indices.getSettings({ index: name }))[name].settings.index);
  await client.indices.putAlias({ index: name, name: `${name}-alias` });
  assert.equal(bodyOf(await client.indices.existsAlias({ name: `${name}-alias` })), true);
  assert.deepEqual(Object.keys(bodyOf(await client.indices.getAlias({ name: `${name}-alias` }))), [name]);
  await client.indices.refresh({ index: name });
  await client.indices.flush({ index: name });
  const listed = bodyOf(await client.cat.indices({ index: name, format: 'json' }));
  assert.deepEqual(listed.map((row) => row.index), [name]);
  assert.equal(bodyOf(await client.indices.delete({ index: name })).acknowledged, true);
  assert.equal(bodyOf(await client.indices.exists({ index: name })), false);
}

async function checkDocuments() {
  const id = `${run}-7`;
  assert.equal(bodyOf(await client.get({ index: INDEX, id }))._source.amount, 1.75);
  assert.equal(bodyOf(await client.exists({ index: INDEX, id })), true);
  assert.equal(bodyOf(await client.exists({ index: INDEX, id: 'nothing' })), false);
  const many = bodyOf(await client.mget(asked({ index: INDEX }, { ids: [id, 'nothing'] })));
  assert.deepEqual(many.docs.map((document) => document.found), [true, false]);
  const one = bodyOf(await client.index({ index: INDEX, ...(isOpenSearch ? { body: { run: 'one' } } : { document: { run: 'one' } }) }));
  assert.equal(one.result, 'created');
  const caps = bodyOf(await client.fieldCaps({ index: 'ecommerce-logs-*', fields: 'serv*' }));
  assert.ok(caps.fields.service.keyword);
  const searches = [{ index: INDEX }, { query: mine, size: 1 }, {}, { query: { more_like_this: { like: 'b' } } }];
  const several = bodyOf(await client.msearch(isOpenSearch ? { body: searches } : { searches }));
  assert.deepEqual(several.responses.map((answer) => answer.status), [200, 400]);
}

async function checkAsyncSearch() {
  const body = { query: mine, size: 1, aggs: { money: { sum: { field: 'amount' } } } };
  const calls = isOpenSearch ? client.asynchronousSearch : client.asyncSearch;
  const submit = (terms) => {
    const parameters = asked({ index: INDEX, ...terms }, body);
    return isOpenSearch ? calls.search(parameters) : calls.submit(parameters);
  };
  assert.equal(bodyOf(await submit({ wait_for_completion_timeout: '1m' })).id, undefined);
  const { id } = bodyOf(await submit({ wait_for_completion_timeout: '0s', keep_on_completion: true, keep_alive: '5m' }));
  const wait = { wait_for_completion_timeout: '1m' };
  const found = bodyOf(await (isOpenSearch ? calls.get({ id }, { querystring: wait }) : calls.get({ id, ...wait })));
  assert.equal(found.response.hits.total.value, EVENTS);
  assert.equal(found.response.aggregations.money.value, (EVENTS * (EVENTS - 1)) / 8);
  if (!isOpenSearch) {
    assert.equal((await calls.status({ id })).completion_status, 200);
  }
  assert.equal(bodyOf(await calls.delete({ id })).acknowledged, true);
  await failsWith(404, () => calls.get({ id }));
}

async function main() {
  await store();
  await checkSearch();
  await checkPages();
  await checkIndices();
  await checkDocuments();
  await checkAsyncSearch();
  console.log(`${library}: all answers are right`);
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
