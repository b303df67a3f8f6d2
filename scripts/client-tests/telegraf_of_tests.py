"""What the files of Telegraf's outputs have in common: it follows a file of JSON and sends its lines as metrics, as it has nothing else."""

from site_of_tests import follower, go_program

TAGS = (
    "custom,inputs.tail,outputs.elasticsearch,outputs.opensearch,outputs.loki,outputs.socket_writer,"
    "parsers.json,serializers.json"
)


def prepare(cache):
    return go_program(cache, "telegraf", "github.com/influxdata/telegraf/cmd/telegraf", "-tags", TAGS)


def start(site, cache, name, query, output):
    settings = f"""
[agent]
  interval = "200ms"
  flush_interval = "200ms"
  metric_batch_size = 200
  metric_buffer_limit = 20000
  omit_hostname = true
[[inputs.tail]]
  files = ["{site.folder}/shop.log"]
  initial_read_offset = "beginning"
  name_override = "shop"
  data_format = "json"
  json_string_fields = ["message"]
  tag_keys = ["service", "order"]
  path_tag = ""
{output}
"""
    (site.folder / "telegraf.conf").write_text(settings)
    # A metric is its name, tags and time; two lines of one nanosecond would be one, so each has a tag of its own.
    line = '{"service":"%s","order":"o-%%d","message":"event n=%%d"}' % name
    return follower(site, query, line.replace("%d", "%(n)d"), [str(prepare(cache)), "--config", "telegraf.conf"])
