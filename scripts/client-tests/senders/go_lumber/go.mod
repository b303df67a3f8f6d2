module vigie/client-tests/lumberjack

go 1.24

require github.com/elastic/go-lumber v0.1.0
