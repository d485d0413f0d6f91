// The history of a git repository as events, folded: how many lines has each file now?
//
//   example_git_history STORE          prints every file that has lines
//   example_git_history STORE TRUTH    compares with TRUTH (lines, events, path; tabs between): what the files really have
//
// Each file is a stream named by its path. An event LinesChanged says how many lines a change added and deleted,
// BinaryChanged that lines mean nothing in this file. `daybook import` put them there: see tests/data/git-history.
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <map>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>

#include <daybook/daybook.h>

namespace {

// The state of one file: a pure function of its events.
struct File {
  std::int64_t lines = 0;
  std::uint64_t events = 0;
  bool binary = false;
};

using Files = std::map<std::string, File, std::less<>>;

// The number behind `key` in {"added":12,"deleted":3}. A real program would ask its JSON library.
std::optional<std::int64_t> number_after(std::string_view key, std::string_view text) {
  const auto at = text.find(key);
  if (at == std::string_view::npos) return std::nullopt;
  std::int64_t number = 0;
  const char* begin = text.data() + at + key.size();
  const auto [end, error] = std::from_chars(begin, text.data() + text.size(), number);
  if (error != std::errc()) return std::nullopt;
  return number;
}

// False when the event is not one that this fold knows.
bool apply(const daybook::EventView& event, File& file) {
  ++file.events;
  if (event.type == "BinaryChanged") {
    file.binary = true;
    return true;
  }
  const auto added = number_after("\"added\":", event.payload.text());
  const auto deleted = number_after("\"deleted\":", event.payload.text());
  if (event.type != "LinesChanged" || !added || !deleted) return false;
  file.lines += *added - *deleted;
  return true;
}

// Replays the whole log. Nothing, and a message, when that cannot be done.
std::optional<Files> fold(const daybook::Store& store) {
  Files files;
  daybook::Cursor cursor = store.read();
  while (const daybook::EventView* event = cursor.next()) {
    auto file = files.find(event->stream);
    if (file == files.end()) file = files.emplace(event->stream, File()).first;
    if (!apply(*event, file->second)) {
      std::fprintf(stderr, "position %llu: not an event of a git history\n",
                   static_cast<unsigned long long>(event->position));
      return std::nullopt;
    }
    // The log counts the events of a stream, too.
    if (event->version != file->second.events) {
      std::fprintf(stderr, "position %llu: version %llu, but it is event %llu of its stream\n",
                   static_cast<unsigned long long>(event->position), static_cast<unsigned long long>(event->version),
                   static_cast<unsigned long long>(file->second.events));
      return std::nullopt;
    }
  }
  if (const auto error = cursor.error()) {
    std::fprintf(stderr, "%s\n", daybook::describe(*error).c_str());
    return std::nullopt;
  }
  return files;
}

std::optional<Files> read_truth(const char* path) {
  std::ifstream in(path);
  Files truth;
  for (std::string line; std::getline(in, line);) {
    std::istringstream fields(line);
    File file;
    std::string name;
    if (!(fields >> file.lines >> file.events) || fields.get() != '\t' || !std::getline(fields, name))
      return std::nullopt;
    truth.emplace(std::move(name), file);
  }
  if (!in.eof() || truth.empty()) return std::nullopt;
  return truth;
}

int complain(const std::string& path, const File& expected, const File& found) {
  std::fprintf(stderr, "- %s: %lld lines, %llu events\n+ %s: %lld lines, %llu events\n", path.c_str(),
               static_cast<long long>(expected.lines), static_cast<unsigned long long>(expected.events), path.c_str(),
               static_cast<long long>(found.lines), static_cast<unsigned long long>(found.events));
  return 1;
}

// The number of files that differ. A file without a row is binary, or it is gone and must have no lines left.
int compare(const Files& files, const Files& truth) {
  int differences = 0;
  std::uint64_t events = 0;
  std::int64_t lines = 0;
  for (const auto& [path, expected] : truth) {
    const auto found = files.find(path);
    const File file = found == files.end() ? File() : found->second;
    lines += file.lines;
    if (file.lines != expected.lines || file.events != expected.events) differences += complain(path, expected, file);
  }
  for (const auto& [path, file] : files) {
    events += file.events;
    if (!truth.contains(path) && !file.binary && file.lines != 0) {
      differences += complain(path, File{.events = file.events}, file);
    }
  }
  std::printf("%llu events of %zu files replayed; %zu files have %lld lines, and %d of them differ from the truth\n",
              static_cast<unsigned long long>(events), files.size(), truth.size(), static_cast<long long>(lines),
              differences);
  return differences;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2 || argc > 3) {
    std::fprintf(stderr, "usage: example_git_history STORE [TRUTH]\n");
    return 2;
  }
  auto store = daybook::Store::open(argv[1], {.mode = daybook::Mode::read_only});
  if (!store) {
    std::fprintf(stderr, "%s: %s\n", argv[1], daybook::describe(store.error()).c_str());
    return 3;
  }
  const std::optional<Files> files = fold(*store);
  if (!files) return 1;
  if (argc == 2) {
    for (const auto& [path, file] : *files) {
      if (file.lines > 0) std::printf("%8lld  %s\n", static_cast<long long>(file.lines), path.c_str());
    }
    return 0;
  }
  const std::optional<Files> truth = read_truth(argv[2]);
  if (!truth) {
    std::fprintf(stderr, "%s: cannot be read as lines, events, path\n", argv[2]);
    return 3;
  }
  return compare(*files, *truth) == 0 ? 0 : 1;
}
