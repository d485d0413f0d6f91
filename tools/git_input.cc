// Turns what git prints into what the demo imports, and into the truth to check the replay against. See demo.sh.
//
//   git_input events LOG               one line of JSON per changed file and commit
//   git_input truth LOG TREE BLOBS     lines, events, path of every text file: lines counted in the files themselves
//
//   LOG    git log --reverse --first-parent --numstat -z --format=tformat:%x01%H%x09%ct%x09%aN
//   TREE   git ls-tree -r -z --full-tree
//   BLOBS  git cat-file --batch, of the objects in TREE in that order
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <functional>
#include <iostream>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include <daybook/types.h>
#include <fmt/format.h>

#include "base64.h"
#include "json.h"
#include "time_text.h"

namespace daybook::tools {
namespace {

struct Commit {
  std::string id;
  std::int64_t time = 0;
  std::string author_hash;
};

struct Change {
  bool binary = false;
  std::uint64_t added = 0;
  std::uint64_t deleted = 0;
  std::string path;
};

// Seconds from 1970 that a Timestamp can hold; git takes more.
constexpr std::int64_t kTimeMax = std::numeric_limits<std::int64_t>::max() / 1'000'000'000;

// Names that cannot be a stream of the demo. Left out of events and truth alike.
bool usable(std::string_view path) {
  return path.size() <= kStreamIdSizeMax && path.find('\n') == std::string_view::npos;
}

// Up to the next `separator`, which is taken away with it; nothing when there is none.
std::optional<std::string_view> split(std::string_view& text, char separator) {
  const auto end = text.find(separator);
  if (end == std::string_view::npos) return std::nullopt;
  const std::string_view field = text.substr(0, end);
  text.remove_prefix(end + 1);
  return field;
}

template <typename T>
std::optional<T> number(std::string_view text) {
  T value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// FNV-1a: enough to tell authors apart without naming them.
std::string hash_name(std::string_view name) {
  std::uint32_t hash = 2166136261;
  for (const char byte : name) hash = (hash ^ static_cast<unsigned char>(byte)) * 16777619;
  return fmt::format("{:08x}", hash);
}

std::optional<Commit> parse_commit(std::string_view text) {
  const auto id = split(text, '\t');
  const auto time = id ? split(text, '\t') : std::nullopt;
  const auto seconds = time ? number<std::int64_t>(*time) : std::nullopt;
  if (!seconds || id->size() < 12) return std::nullopt;
  return Commit{std::string(id->substr(0, 12)), *seconds, hash_name(text)};
}

std::optional<Change> parse_change(std::string_view text) {
  const auto added = split(text, '\t');
  const auto deleted = added ? split(text, '\t') : std::nullopt;
  if (!deleted || text.empty()) return std::nullopt;
  if (*added == "-" && *deleted == "-") return Change{true, 0, 0, std::string(text)};
  const auto plus = number<std::uint64_t>(*added);
  const auto minus = number<std::uint64_t>(*deleted);
  if (!plus || !minus) return std::nullopt;
  return Change{false, *plus, *minus, std::string(text)};
}

// Calls `visit(commit, change)` for every change. False when the text is not such a log.
bool for_each_change(std::string_view log, const std::function<void(const Commit&, const Change&)>& visit) {
  Commit commit;
  while (const auto field = split(log, '\0')) {
    std::string_view text = *field;
    if (text.starts_with('\n')) text.remove_prefix(1);  // between the commit and its first change
    if (text.starts_with('\x01')) {
      auto parsed = parse_commit(text.substr(1));
      if (!parsed) return false;
      commit = *std::move(parsed);
    } else if (const auto change = parse_change(text); !change || commit.id.empty()) {
      return false;
    } else if (usable(change->path)) {
      visit(commit, *change);
    }
  }
  return log.empty();
}

void write_event(const Commit& commit, const Change& change, JsonBuffer& buffer) {
  JsonWriter json(buffer);
  json.StartObject();
  if (is_utf8(change.path)) {
    put_text(json, "stream", change.path);
  } else {
    std::string path;
    append_base64(change.path, path);
    put_text(json, "stream_base64", path);
  }
  put_text(json, "type", change.binary ? "BinaryChanged" : "LinesChanged");
  if (std::abs(commit.time) <= kTimeMax)
    put_text(json, "time", format_time(Timestamp(std::chrono::seconds(commit.time))));
  put_key(json, "tags");
  json.StartArray();
  put_text(json, "commit:" + commit.id);
  put_text(json, "author:" + commit.author_hash);
  json.EndArray();
  put_key(json, "data");
  json.StartObject();
  if (!change.binary) {
    put_number(json, "added", change.added);
    put_number(json, "deleted", change.deleted);
  }
  json.EndObject();
  json.EndObject();
  buffer.Put('\n');
}

bool write_events(std::string_view log) {
  JsonBuffer buffer;
  return for_each_change(log, [&buffer](const Commit& commit, const Change& change) {
    buffer.Clear();
    write_event(commit, change, buffer);
    std::cout << view(buffer);
  });
}

// As git counts: a last line without a line feed is one.
std::uint64_t count_lines(std::string_view text) {
  std::uint64_t lines = 0;
  for (const char *at = text.data(), *end = at + text.size(); at != end; ++lines) {
    const void* feed = std::memchr(at, '\n', static_cast<std::size_t>(end - at));
    at = feed == nullptr ? end : static_cast<const char*>(feed) + 1;
  }
  return lines;
}

// The content of the next object: "<id> <type> <size>\n<content>\n".
std::optional<std::string_view> next_blob(std::string_view id, std::string_view& blobs) {
  auto head = split(blobs, '\n');
  if (!head || !head->starts_with(id)) return std::nullopt;
  const auto size = number<std::uint64_t>(head->substr(head->rfind(' ') + 1));
  if (!size || *size >= blobs.size()) return std::nullopt;
  const std::string_view content = blobs.substr(0, *size);
  blobs.remove_prefix(*size + 1);
  return content;
}

bool write_truth(std::string_view log, std::string_view tree, std::string_view blobs) {
  std::map<std::string, std::uint64_t, std::less<>> events;
  std::set<std::string, std::less<>> binary;
  const bool good = for_each_change(log, [&](const Commit&, const Change& change) {
    ++events[change.path];
    if (change.binary) binary.insert(change.path);
  });
  if (!good) return false;
  while (auto entry = split(tree, '\0')) {
    const auto mode = split(*entry, ' ');
    const auto type = mode ? split(*entry, ' ') : std::nullopt;
    const auto id = type ? split(*entry, '\t') : std::nullopt;
    if (!id) return false;
    // A submodule has no content here; git counts it as one line, "Subproject commit ...".
    std::uint64_t lines = 1;
    if (*type == "blob") {
      const auto blob = next_blob(*id, blobs);
      if (!blob) return false;
      lines = count_lines(*blob);
    }
    const auto count = events.find(*entry);
    if (!usable(*entry) || binary.contains(*entry)) continue;
    std::cout << lines << '\t' << (count == events.end() ? 0 : count->second) << '\t' << *entry << '\n';
  }
  return tree.empty() && blobs.empty();
}

std::string read_file(const char* path) {
  std::ifstream in(path, std::ios::binary);
  if (!in.is_open()) throw std::runtime_error(fmt::format("cannot read {}", path));
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace
}  // namespace daybook::tools

int main(int argc, char** argv) {
  using daybook::tools::read_file;
  const std::string_view mode = argc > 1 ? argv[1] : "";
  try {
    bool good = false;
    if (mode == "events" && argc == 3) {
      good = daybook::tools::write_events(read_file(argv[2]));
    } else if (mode == "truth" && argc == 5) {
      good = daybook::tools::write_truth(read_file(argv[2]), read_file(argv[3]), read_file(argv[4]));
    } else {
      std::cerr << "usage: git_input events LOG | git_input truth LOG TREE BLOBS\n";
      return 2;
    }
    std::cout.flush();
    if (good && std::cout.good()) return 0;
    std::cerr << "git_input: this is not what git prints for the commands above\n";
  } catch (const std::exception& error) {
    std::cerr << "git_input: " << error.what() << '\n';
  }
  return 3;
}
