//! Indices that clients make, their aliases and their documents, as Elasticsearch's clients see them.

use axum::http::Method;
use serde_json::{Value as Json, json};

use crate::elasticsearch_client::Client;

#[tokio::test]
async fn an_index_is_made_shown_and_deleted() {
    let client = Client::new().await;
    let mapping = json!({"properties": {"id": {"type": "keyword"}, "n": {"type": "long"}}});
    client.done(Method::PUT, "/shop", json!({"mappings": mapping, "settings": {"number_of_shards": 1}})).await;
    assert_eq!(client.get("/shop/_mapping").await, json!({"shop": {"mappings": mapping}}));
    assert_eq!(client.get("/shop").await["shop"]["mappings"], mapping);
    let ranges = json!({"mappings": {"properties": {"r": {"type": "integer_range"}}}}).to_string();
    let warned = client.call(Method::PUT, "/ranges", &ranges).await;
    assert!(warned.status == 200 && warned.header("warning").contains("not applied"));
    client.refused(Method::PUT, "/Shop", json!({}), (400, "invalid_index_name_exception")).await;
    client.refused(Method::PUT, "/shop", json!({}), (400, "resource_already_exists_exception")).await;
    client.refused(Method::PUT, "/shops?colour=red", json!({}), (400, "illegal_argument_exception")).await;
    client.refused(Method::GET, "/none/_mapping", json!({}), (404, "index_not_found_exception")).await;
    assert_eq!(client.get("/none/_mapping?ignore_unavailable=true").await, json!({}));
    client.refused(Method::DELETE, "/none", json!({}), (404, "index_not_found_exception")).await;
    client
        .refused(Method::DELETE, "/none*?allow_no_indices=false", json!({}), (404, "index_not_found_exception"))
        .await;
    client.done(Method::DELETE, "/none,texts?ignore_unavailable=true", json!({})).await;
    assert_eq!((client.status("/texts").await, client.status("/shop").await), (404, 200));
    client.done(Method::DELETE, "/*", json!({})).await;
    assert_eq!(client.status("/shop").await, 404);
}

#[tokio::test]
async fn what_holds_events_is_deleted_by_no_pattern_and_nobody_who_may_not() {
    let client = Client::new().await;
    client.done(Method::PUT, "/shop", json!({})).await;
    client.done(Method::PUT, "/shop/_doc/1", json!({"n": 1})).await;
    for names in ["sho*", "*", "_all", "ecommerce-logs-*", "ecommerce-logs"] {
        let answer = client.call(Method::DELETE, &format!("/{names}"), "").await;
        assert_eq!(answer.status, 400, "{names}: {}", answer.text());
        assert!(answer.text().contains("holds events"), "{names}: {}", answer.text());
    }
    client.done(Method::PUT, "/till/_doc/2", json!({})).await;
    for name in ["shop", "till", "shop,till"] {
        let answer = client.call(Method::DELETE, &format!("/{name}"), "").await;
        assert!(answer.status == 400 && answer.text().contains("needs the role"), "{name}: {}", answer.text());
    }
    assert_eq!(client.get("/shop/_count").await["count"], 1);
    assert_eq!((client.status("/shop").await, client.status("/till").await), (200, 200));
}

#[tokio::test]
async fn aliases_are_added_listed_and_removed() {
    let client = Client::new().await;
    for index in ["one", "two"] {
        client.done(Method::PUT, &format!("/{index}"), json!({})).await;
    }
    client.done(Method::PUT, "/one/_alias/a", json!({"routing": "r"})).await;
    client.done(Method::POST, "/one,two/_aliases/b", json!({"is_write_index": true})).await;
    client.done(Method::PUT, "/_alias", json!({"index": "two", "alias": "c"})).await;
    let routed = json!({"index_routing": "r", "search_routing": "r"});
    assert_eq!(client.get("/one/_alias/a").await, json!({"one": {"aliases": {"a": routed}}}));
    assert_eq!(client.get("/_alias/c,a").await["two"], json!({"aliases": {"c": {}}}));
    assert_eq!(client.get("/_alias").await["two"]["aliases"].as_object().unwrap().len(), 2);
    let missing = client.call(Method::GET, "/_alias/a,x", "").await;
    assert_eq!((missing.status, missing.json()["error"].clone()), (404, json!("alias [x] missing")));
    assert_eq!((client.status("/_alias/b").await, client.status("/_alias/x").await), (200, 404));
    let table = client.call(Method::GET, "/_cat/aliases/b?h=index,alias&s=index:desc", "").await.text();
    assert_eq!(table, "two b\none b\n");
    let resolved = client.get("/_resolve/index/*").await;
    assert_eq!(resolved["indices"][1], json!({"name": "two", "attributes": ["open"], "aliases": ["b", "c"]}));
    assert_eq!(resolved["aliases"][1], json!({"name": "b", "indices": ["one", "two"]}));
    let actions =
        json!({"actions": [{"remove": {"index": "*", "alias": "b"}}, {"add": {"index": "one", "alias": "d"}}]});
    client.done(Method::POST, "/_aliases", actions).await;
    assert_eq!((client.status("/_alias/b").await, client.status("/_alias/d").await), (404, 200));
    client.done(Method::DELETE, "/one/_alias/d", json!({})).await;
    client.refused(Method::DELETE, "/one/_alias/d", json!({}), (404, "aliases_not_found_exception")).await;
}

#[tokio::test]
async fn aliases_that_cannot_be_are_refused() {
    let client = Client::new().await;
    client.done(Method::PUT, "/one", json!({})).await;
    client.refused(Method::PUT, "/none/_alias/a", json!({}), (404, "index_not_found_exception")).await;
    client.refused(Method::PUT, "/one/_alias/a*", json!({}), (400, "invalid_alias_name_exception")).await;
    client.refused(Method::PUT, "/one/_alias/one", json!({}), (400, "invalid_alias_name_exception")).await;
    client.refused(Method::PUT, "/one/_alias/a", json!({"abc": 1}), (400, "illegal_argument_exception")).await;
    client.refused(Method::PUT, "/_alias/a", json!({}), (400, "illegal_argument_exception")).await;
    let wrong = [
        json!({}),
        json!({"actions": [{"rename": {"index": "one", "alias": "a"}}]}),
        json!({"actions": [{"add": {}}]}),
    ];
    for body in wrong {
        client.refused(Method::POST, "/_aliases", body, (400, "illegal_argument_exception")).await;
    }
    assert_eq!(client.get("/_alias").await, json!({"one": {"aliases": {}}}), "nothing of it was done");
}

#[tokio::test]
async fn an_alias_is_searched_as_its_indices_are() {
    let client = Client::new().await;
    for (index, id) in [("one", "1"), ("two", "2"), ("three", "3")] {
        client.done(Method::PUT, &format!("/{index}/_doc/{id}"), json!({"n": 1})).await;
    }
    // Written to before anybody made an index of the name.
    client.done(Method::PUT, "/one,two/_alias/both", json!({})).await;
    client.done(Method::PUT, "/one/_alias/single", json!({})).await;
    assert_eq!(client.get("/both/_count").await["count"], 2);
    assert_eq!(client.get("/single/_doc/1").await["_index"], "one");
    assert_eq!(client.status("/single/_doc/2").await, 404);
    let both = client.call(Method::GET, "/both/_doc/1", "").await;
    assert!(both.status == 400 && both.text().contains("more than one index"), "{}", both.text());
    client.done(Method::PUT, "/one/_alias/some", json!({"filter": {"term": {"n": 2}}})).await;
    let filtered = client.get("/some/_count").await["count"].clone();
    let all = client.get("/one/_count").await["count"].clone();
    assert_eq!((filtered, all, client.get("/one,some/_count").await["count"].clone()), (json!(0), json!(1), json!(1)));
}

#[tokio::test]
async fn documents_are_those_that_were_sent_to_the_index() {
    let client = Client::new().await;
    let stored = client.done(Method::PUT, "/shop/_doc/1?refresh=true", json!({"a": {"b": 1, "c": 2}})).await;
    assert_eq!((&stored["_index"], &stored["forced_refresh"]), (&json!("shop"), &json!(true)));
    let document = client.get("/shop/_doc/1").await;
    assert_eq!(document["_source"], json!({"a": {"b": 1, "c": 2}}));
    assert_eq!(client.get("/shop/_source/1?_source=a.b").await, json!({"a": {"b": 1}}));
    assert_eq!(client.get("/shop/_doc/1?_source_excludes=a.b").await["_source"], json!({"a": {"c": 2}}));
    assert_eq!(client.get("/shop/_doc/1?_source=false").await.get("_source"), None);
    assert_eq!(client.get("/ecommerce-logs/_doc/1").await["found"], true);
    client.refused(Method::GET, "/till/_doc/1", json!({}), (404, "index_not_found_exception")).await;
    client.done(Method::PUT, "/till", json!({})).await;
    assert_eq!(client.get("/till/_doc/1").await, json!({"_index": "till", "_id": "1", "found": false}));
    client.refused(Method::GET, "/shop/_doc/1?version=2", json!({}), (409, "version_conflict_engine_exception")).await;
    let without_stored = client.get("/shop/_doc/1?stored_fields=a").await;
    assert_eq!((without_stored.get("_source"), without_stored.get("fields")), (None, None));
    client.refused(Method::GET, "/shop/_doc/1?colour=red", json!({}), (400, "illegal_argument_exception")).await;
    let asked =
        json!({"docs": [{"_index": "shop", "_id": 1}, {"_index": "till", "_id": "1"}, {"_index": "none", "_id": "1"}]});
    let many = client.done(Method::POST, "/_mget", asked).await;
    assert_eq!((&many["docs"][0]["found"], &many["docs"][1]["found"]), (&json!(true), &json!(false)));
    assert_eq!(many["docs"][2]["error"]["type"], "index_not_found_exception");
    let found = client.done(Method::POST, "/shop/_search", json!({})).await;
    assert_eq!(found["hits"]["hits"][0]["_source"], json!({"a": {"b": 1, "c": 2}}));
}

#[tokio::test]
async fn tables_are_shown_as_they_are_asked_for() {
    let client = Client::new().await;
    let help = client.call(Method::GET, "/_cat/aliases?help", "").await.text();
    assert!(help.starts_with("alias ") && help.lines().count() == 6, "{help}");
    assert_eq!(client.call(Method::GET, "/_cat/plugins", "").await.text(), "");
    assert_eq!(
        client.call(Method::GET, "/_cluster/settings", "").await.json(),
        json!({"persistent": {}, "transient": {}})
    );
    assert_eq!(client.call(Method::GET, "/_cat/nodeattrs?v&h=attr,value", "").await.text(), "attr value\n");
    client.done(Method::PUT, "/till", json!({"aliases": {"seen": {}, "unseen": {"is_hidden": true}}})).await;
    client.done(Method::PUT, "/cart/_doc/1", json!({"n": 1})).await;
    let shards = client.call(Method::GET, "/_cat/shards/till,cart?s=docs", "").await.text();
    assert_eq!(shards, "till 0 p STARTED 0 0b localhost vigie\ncart 0 p STARTED 1 -  localhost vigie\n");
    assert_eq!(client.call(Method::GET, "/_cat/shards/t*?h=i", "").await.text(), "till\n");
    let uncounted = client.call(Method::GET, "/_cat/shards/till?h=index,search.query_total,docs&v", "").await.text();
    assert_eq!(uncounted, "index search.query_total docs\ntill                     0\n");
    let segments = "/_cat/segments/till,cart?h=index,segment,docs.count,size,committed";
    assert_eq!(client.call(Method::GET, segments, "").await.text(), "cart _0 1 - false\n");
    let of_days = client.call(Method::GET, "/_cat/segments/ecommerce-logs-*?format=json", "").await.json();
    assert_eq!((&of_days[0]["docs.count"], &of_days[0]["ip"]), (&json!("1"), &json!("localhost")), "{of_days}");
    assert_eq!(client.call(Method::GET, "/_cat/segments?help", "").await.text().lines().count(), 15);
    for (asked, expected) in [
        ("", "seen\nunseen\n"),
        ("&expand_wildcards=open", "seen\n"),
        ("&expand_wildcards=open,hidden", "seen\nunseen\n"),
    ] {
        assert_eq!(
            client.call(Method::GET, &format!("/_cat/aliases?h=a{asked}"), "").await.text(),
            expected,
            "{asked}"
        );
    }
    client.refused(Method::GET, "/_cat/aliases?s=size", json!({}), (400, "illegal_argument_exception")).await;
    client.refused(Method::GET, "/_cat/aliases?colour=red", json!({}), (400, "illegal_argument_exception")).await;
}

#[tokio::test]
async fn an_index_that_was_made_has_ids_times_and_fields_of_its_own() {
    let client = Client::new().await;
    let mapping = json!({"properties": {"title": {"type": "text"}, "date": {"type": "date"}}});
    client.done(Method::PUT, "/books", json!({"mappings": mapping, "aliases": {"library": {}}})).await;
    let book = |title: &str| json!({"title": title, "date": "1818-01-01"});
    client.done(Method::PUT, "/books/_doc/1", book("The Modern Prometheus")).await;
    client.done(Method::PUT, "/library/_doc/2", json!({"title": "Old Moore", "date": "2001-05-05"})).await;
    client.done(Method::PUT, "/other/_doc/1", json!({"title": "something else"})).await;
    for (index, title) in
        [("books", "The Modern Prometheus"), ("library", "The Modern Prometheus"), ("other", "something else")]
    {
        assert_eq!(client.get(&format!("/{index}/_doc/1")).await["_source"]["title"], title, "{index}");
    }
    assert_eq!(client.get("/books/_doc/2").await["_index"], "books", "an alias stands for its index");
    let ids = async |path: &str, query: Json| -> Vec<String> {
        let found = client.done(Method::POST, path, json!({"query": query, "sort": "_doc"})).await;
        found["hits"]["hits"].as_array().unwrap().iter().map(|hit| hit["_id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(ids("/books/_search", json!({"match": {"title": "modern moore"}})).await.len(), 2);
    assert_eq!(ids("/books/_search", json!({"ids": {"values": ["1", "9"]}})).await, ["1"]);
    assert_eq!(ids("/_search", json!({"term": {"_id": "1"}})).await.len(), 2);
    assert_eq!(ids("/books/_search", json!({"range": {"date": {"gte": "2001", "lt": "2002"}}})).await, ["2"]);
    client.done(Method::PUT, "/books/_mapping", json!({"properties": {"pages": {"type": "long"}}})).await;
    let changed = json!({"properties": {"title": {"type": "long"}}});
    client.refused(Method::PUT, "/books/_mapping", changed, (400, "illegal_argument_exception")).await;
    client.refused(Method::PUT, "/nowhere/_mapping", json!({}), (404, "index_not_found_exception")).await;
    assert_eq!(client.get("/books/_mapping").await["books"]["mappings"]["properties"]["pages"]["type"], "long");
    client.done(Method::PUT, "/books/_settings", json!({"index": {"refresh_interval": "5s"}})).await;
    let settings = client.get("/books/_settings").await;
    assert_eq!(settings["books"]["settings"]["index"]["refresh_interval"], "5s");
    let table = client.call(Method::GET, "/_cat/indices/books?h=index,docs.count", "").await.text();
    assert_eq!(table, "books 2\n");
    assert_eq!(client.call(Method::GET, "/_cat/count/library?h=count", "").await.text(), "2\n");
    let refused = client.call(Method::PUT, "/other/_doc/5?require_alias=true", "{}").await;
    assert!(refused.status == 404 && refused.text().contains("is not an alias"), "{}", refused.text());
}

#[tokio::test]
async fn capabilities_of_fields_are_told_by_index() {
    let client = Client::new().await;
    let make = async |name: &str, properties: Json| {
        client.done(Method::PUT, name, json!({"mappings": {"properties": properties}})).await;
    };
    make("/a", json!({"n": {"type": "long", "index": false}, "t": {"type": "text"}})).await;
    make("/b", json!({"n": {"type": "double"}})).await;
    client.done(Method::PUT, "/b/_doc/1", json!({"n": 1.5})).await;
    let caps = client.get("/a,b/_field_caps?fields=*&include_unmapped=true").await;
    assert_eq!(caps["indices"], json!(["a", "b"]));
    assert_eq!(caps["fields"]["n"]["long"]["searchable"], false);
    assert_eq!(caps["fields"]["n"]["double"]["indices"], json!(["b"]));
    assert_eq!(caps["fields"]["t"]["unmapped"]["indices"], json!(["b"]));
    let filter = json!({"fields": ["n"], "index_filter": {"range": {"n": {"gt": 1}}}});
    assert_eq!(client.done(Method::POST, "/a,b/_field_caps", filter).await["indices"], json!(["b"]));
    client.refused(Method::GET, "/nowhere/_field_caps?fields=*", json!({}), (404, "index_not_found_exception")).await;
    client.refused(Method::GET, "/a/_field_caps", json!({}), (400, "illegal_argument_exception")).await;
}

#[tokio::test]
async fn fields_that_a_mapping_stores_are_shown_beside_the_source() {
    let client = Client::new().await;
    let mapping = json!({"foo": {"type": "keyword", "store": true}, "count": {"type": "long", "store": true}, "bar": {"type": "long"}});
    client.done(Method::PUT, "/shop", json!({"mappings": {"properties": mapping}})).await;
    client.done(Method::PUT, "/shop/_doc/1", json!({"foo": "a", "count": 1, "bar": 2})).await;
    let one = client.get("/shop/_doc/1?stored_fields=foo,count,bar").await;
    assert_eq!((&one["fields"], one.get("_source")), (&json!({"foo": ["a"], "count": [1]}), None));
    let both = client.get("/shop/_doc/1?stored_fields=foo,_source").await;
    assert_eq!((&both["fields"], &both["_source"]["bar"]), (&json!({"foo": ["a"]}), &json!(2)));
    let docs = json!({"docs": [{"_id": "1", "stored_fields": ["count"]}, {"_id": "1", "stored_fields": "foo", "_source": true}, {"_id": "1"}]});
    let many = client.done(Method::POST, "/shop/_mget", docs).await;
    assert_eq!((&many["docs"][0]["fields"], many["docs"][0].get("_source")), (&json!({"count": [1]}), None));
    assert_eq!((&many["docs"][1]["fields"], &many["docs"][1]["_source"]["foo"]), (&json!({"foo": ["a"]}), &json!("a")));
    assert_eq!((many["docs"][2].get("fields"), &many["docs"][2]["_source"]["foo"]), (None, &json!("a")));
    let found = client.done(Method::POST, "/shop/_search", json!({"stored_fields": ["*"]})).await;
    assert_eq!(found["hits"]["hits"][0]["fields"], json!({"foo": ["a"], "count": [1]}));
}

#[tokio::test]
async fn every_index_has_statistics_settings_and_fields() {
    let client = Client::new().await;
    let day = (client.app.state.clock)().day();
    client.done(Method::PUT, "/made", json!({"mappings": {"properties": {"title": {"type": "text"}}}})).await;
    client
        .done(
            Method::PUT,
            "/closed",
            json!({"mappings": {"dynamic": false, "properties": {"title": {"type": "text"}}}}),
        )
        .await;
    for index in ["made", "closed", "sent"] {
        client
            .done(Method::PUT, &format!("/{index}/_doc/1"), json!({"title": "a", "price": 2, "by": {"name": "b"}}))
            .await;
    }
    let stats = client.get("/_stats").await;
    assert_eq!(stats["indices"][day.index_name()]["primaries"]["docs"]["count"], 3);
    assert_eq!(
        client.get("/made/_stats/docs").await["indices"]["made"]["total"],
        json!({"docs": {"count": 1, "deleted": 0}})
    );
    assert_eq!(client.get("/sent/_stats?level=cluster").await["_all"]["total"]["docs"]["count"], 1);
    client.refused(Method::GET, "/none/_stats", json!({}), (404, "index_not_found_exception")).await;
    client.refused(Method::GET, "/made/_stats/indexing", json!({}), (400, "illegal_argument_exception")).await;
    client.refused(Method::GET, "/made/_stats?level=planet", json!({}), (400, "illegal_argument_exception")).await;

    let names = [day.index_name(), "made".to_owned(), "sent".to_owned()];
    for name in &names {
        let settings = client.get(&format!("/{name}/_settings")).await[name]["settings"]["index"].take();
        assert_eq!((&settings["number_of_shards"], &settings["provided_name"]), (&json!("1"), &json!(name)));
        assert!(settings["creation_date"].as_str().is_some_and(|millis| millis.parse::<i64>().is_ok()), "{settings}");
    }
    let began = client.get("/_settings").await[&names[0]]["settings"]["index"]["creation_date"].take();
    assert_eq!(began, json!(day.start().as_millis().to_string()));
    client.refused(Method::GET, "/none/_settings", json!({}), (404, "index_not_found_exception")).await;

    let mapped =
        async |index: &str| client.get(&format!("/{index}/_mapping")).await[index]["mappings"]["properties"].take();
    let made = mapped("made").await;
    assert_eq!((&made["title"], &made["price"]), (&json!({"type": "text"}), &json!({"type": "long"})));
    assert_eq!((&made["by"]["properties"]["name"]["type"], made.get("sent_index")), (&json!("keyword"), None));
    assert_eq!(mapped("closed").await, json!({"title": {"type": "text"}}));
    assert_eq!(mapped("sent").await["price"], json!({"type": "long"}));
    let caps = client.get("/made,closed/_field_caps?fields=price,by*").await;
    assert_eq!(caps["fields"]["price"]["long"]["aggregatable"], true);
    assert_eq!(caps["fields"]["by.name"]["keyword"]["searchable"], true);
}

#[tokio::test]
async fn what_there_is_is_told_in_tables_and_numbers() {
    let client = Client::new().await;
    client.done(Method::PUT, "/till/_doc/1", json!({"n": 1})).await;
    let nodes = client.call(Method::GET, "/_cat/nodes?v", "").await.text();
    assert_eq!(nodes, "ip        node.role master name\nlocalhost dim       *      vigie\n");
    let template = json!({"index_patterns": ["shop-*", "till"], "priority": 7, "composed_of": ["base"]});
    client.call(Method::PUT, "/_index_template/shops", &template.to_string()).await;
    let templates = client.call(Method::GET, "/_cat/templates/sh*", "").await.text();
    assert_eq!(templates.split_whitespace().collect::<Vec<_>>(), ["shops", "[shop-*,", "till]", "7", "[base]"]);
    assert_eq!(client.call(Method::GET, "/_cat/templates/other", "").await.text(), "");
    let stats = client.get("/_cluster/stats").await;
    assert_eq!((&stats["indices"]["docs"]["count"], &stats["nodes"]["count"]["total"]), (&json!(1), &json!(1)));
}

#[tokio::test]
async fn the_words_of_a_text_are_told() {
    let client = Client::new().await;
    let mapping = json!({"mappings": {"properties": {"title": {"type": "text"}, "code": {"type": "keyword"}}}});
    client.done(Method::PUT, "/books", mapping).await;
    let tokens = async |path: &str, body: Json| -> Vec<String> {
        let answer = client.done(Method::POST, path, body).await;
        let tokens = answer["tokens"].as_array().unwrap_or_else(|| panic!("{answer}")).clone();
        tokens.iter().map(|token| token["token"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(tokens("/_analyze", json!({"text": ["Échec du", "Paiement!"]})).await, ["echec", "du", "paiement"]);
    assert_eq!(tokens("/books/_analyze", json!({"field": "title", "text": "A b"})).await, ["a", "b"]);
    assert_eq!(tokens("/books/_analyze", json!({"field": "code", "text": "A b"})).await, ["A b"]);
    assert_eq!(tokens("/_analyze", json!({"field": "message", "text": "A b"})).await, ["a", "b"]);
    let explained =
        client.done(Method::GET, "/_analyze", json!({"text": "A b", "analyzer": "standard", "explain": true})).await;
    assert_eq!(explained["detail"]["analyzer"]["tokens"].as_array().unwrap().len(), 2);
    for wrong in
        [json!({}), json!({"text": 5}), json!({"text": "a", "analyzer": "french"}), json!({"text": "a", "filter": []})]
    {
        client.refused(Method::POST, "/_analyze", wrong, (400, "illegal_argument_exception")).await;
    }
}

#[tokio::test]
async fn an_index_may_take_no_ids_of_senders() {
    let client = Client::new().await;
    let settings =
        json!({"settings": {"index": {"append_only.enabled": true, "bulk.adaptive_shard_selection.enabled": true}}});
    client.done(Method::PUT, "/journal", settings).await;
    let alone = json!({"settings": {"index.bulk.adaptive_shard_selection.enabled": true}});
    client.refused(Method::PUT, "/other", alone, (400, "illegal_argument_exception")).await;
    assert_eq!(client.done(Method::POST, "/journal/_doc", json!({"n": 1})).await["result"], "created");
    client.refused(Method::PUT, "/journal/_doc/1", json!({"n": 2}), (400, "validation_exception")).await;
    let lines = "{\"index\":{}}\n{\"n\":3}\n{\"create\":{\"_id\":\"x\"}}\n{\"n\":4}\n";
    let items = client.call(Method::POST, "/journal/_bulk", lines).await.json()["items"].clone();
    assert_eq!((&items[0]["index"]["status"], &items[1]["create"]["status"]), (&json!(201), &json!(400)));
    let reason = items[1]["create"]["error"]["reason"].as_str().unwrap();
    assert!(reason.contains("[CREATE] is not allowed with a custom document id x as setting"), "{reason}");
    assert_eq!(client.get("/journal/_count").await["count"], 2);
}

#[tokio::test]
async fn an_update_of_nothing_is_told_from_one_that_is_not_done() {
    let client = Client::new().await;
    client.done(Method::PUT, "/till/_doc/1", json!({"n": 1})).await;
    let update =
        |id: &str| format!("{{\"update\":{{\"_index\":\"till\",\"_id\":\"{id}\"}}}}\n{{\"doc\":{{\"n\":2}}}}\n");
    let lines = update("1") + &update("2");
    let items = client.call(Method::POST, "/_bulk?error_trace", &lines).await.json()["items"].clone();
    let (there, missing) = (&items[0]["update"], &items[1]["update"]);
    assert_eq!((&there["status"], &there["error"]["type"]), (&json!(400), &json!("illegal_argument_exception")));
    assert_eq!((&missing["status"], &missing["error"]["index"]), (&json!(404), &json!("till")));
    assert_eq!(missing["error"]["reason"], "[2]: document missing");
    assert_eq!(missing["error"]["stack_trace"], "[[till][0]] DocumentMissingException[[2]: document missing]");
    let untraced = client.call(Method::POST, "/_bulk", &update("2")).await.json();
    assert_eq!(untraced["items"][0]["update"]["error"].get("stack_trace"), None);
    let filtered = client.call(Method::GET, "/none/_search?error_trace&filter_path=error.stack_trace", "").await;
    assert_eq!(
        filtered.json(),
        json!({"error": {"stack_trace": "[none] IndexNotFoundException[no such index [none]]"}})
    );
}

#[tokio::test]
async fn answers_are_written_as_yaml_and_tables_as_json_where_that_is_asked_for() {
    let client = Client::new().await;
    client.done(Method::PUT, "/till/_doc/1", json!({"n": 1})).await;
    let accepting = async |path: &str, accept: &str| client.call_with(Method::GET, path, "", ("accept", accept)).await;
    let yaml = accepting("/till/_count?filter_path=count", "application/yaml").await;
    assert_eq!((yaml.header("content-type"), yaml.text().as_str()), ("application/yaml", "---\n\"count\": 1\n"));
    let yaml = accepting("/_cat/count?format=yaml&h=count", "*/*").await;
    assert_eq!(yaml.text(), "---\n-\n  \"count\": \"1\"\n");
    for wrong in ["search_type=query_and_fetch", "pre_filter_shard_size=0"] {
        assert_eq!(accepting(&format!("/till/_search?{wrong}"), "*/*").await.status, 400, "{wrong}");
    }
    assert_eq!(accepting("/till/_search?search_type=dfs_query_then_fetch", "*/*").await.status, 200);
    let missing = accepting("/none/_count?format=yaml", "*/*").await;
    assert!(missing.status == 404 && missing.text().contains("\"type\": \"index_not_found_exception\""));
    assert_eq!(accepting("/_cat/count?h=count", "application/json").await.json(), json!([{"count": "1"}]));
    assert_eq!(accepting("/_cat/count?h=count", "text/plain, application/json").await.text(), "1\n");
}
