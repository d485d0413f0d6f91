#include "key_list.h"

#include <algorithm>
#include <ostream>
#include <vector>

#include <fmt/format.h>

#include <daybook/store.h>

#include "escape.h"
#include "json.h"
#include "report.h"

namespace daybook::tools {
namespace {

Result<std::vector<KeyCount>> list(const Store& store, KeyKind kind, std::string_view prefix) {
  switch (kind) {
    case KeyKind::streams: return store.streams(prefix);
    case KeyKind::types: return store.types(prefix);
    case KeyKind::tags: break;
  }
  return store.tags(prefix);
}

void print_json(const KeyCount& key, Io& io) {
  JsonBuffer buffer;
  JsonWriter json(buffer);
  json.StartObject();
  put_text(json, "key", key.key);
  put_number(json, "events", key.events);
  put_number(json, "last_position", key.last_position);
  json.EndObject();
  io.out << view(buffer) << '\n';
}

}  // namespace

void KeyList::declare(Arguments& arguments) {
  arguments.store(store);
  arguments.text("-p,--prefix", prefix, "TEXT", "only those that begin with it");
  arguments.flag("-c,--by-count", by_count, "most events first, instead of by name");
  arguments.flag("--jsonl", jsonl, "one JSON object for each");
}

int KeyList::run(Io& io, const char* command, KeyKind kind) const {
  auto opened = Store::open(store, {.mode = Mode::read_only});
  if (!opened) return report(io, command, opened.error());
  auto keys = list(*opened, kind, prefix);
  if (!keys) return report(io, command, keys.error());
  if (by_count) {
    std::ranges::stable_sort(*keys, [](const KeyCount& a, const KeyCount& b) { return a.events > b.events; });
  }
  for (const KeyCount& key : *keys) {
    if (io.stop()) return kInterrupted;
    if (jsonl) {
      print_json(key, io);
    } else {
      io.out << fmt::format("{:>12} {:>12}  {}\n", key.events, key.last_position, escaped(key.key));
    }
  }
  return kOk;
}

}  // namespace daybook::tools
