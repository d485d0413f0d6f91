// The history of a git repository as events, folded: how many lines has each file now?
//
//   example_git_history STORE          prints every file that has lines
//   example_git_history STORE TRUTH    compares with TRUTH (lines, events, path; tabs between): what the files really have
//
// Each file is a stream named by its path. An event LinesChanged says how many lines a change added and deleted,
// BinaryChanged that lines mean nothing in this file. `daybook import` put them there: see tests/data/git-history.
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <map>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>

#include <daybook/daybook.h>
#include <daybook/sourcing.h>
#include <daybook/sourcing/json.h>

namespace {

struct LinesChanged {
  static constexpr daybook::EventType kEventType{.name = "LinesChanged"};
  std::int64_t added = 0;
  std::int64_t deleted = 0;
};
BOOST_DESCRIBE_STRUCT(LinesChanged, (), (added, deleted))

struct BinaryChanged {
  static constexpr daybook::EventType kEventType{.name = "BinaryChanged"};
};
BOOST_DESCRIBE_STRUCT(BinaryChanged, (), ())

// The state of one file: a pure function of its events.
struct File {
  static constexpr std::string_view kName = "files";
  using Events = daybook::EventSet<LinesChanged, BinaryChanged>;

  void apply(const LinesChanged& event) {
    ++events;
    lines += event.added - event.deleted;
  }
  void apply(const BinaryChanged&) {
    ++events;
    binary = true;
  }

  std::int64_t lines = 0;
  std::uint64_t events = 0;
  bool binary = false;
};

using Files = daybook::PerStream<File>;

// Replays the whole log. An event of another type is no event of a git history, and an error: a fold that left it out would
// be wrong without saying so.
daybook::Result<Files> fold(const daybook::Store& store) {
  Files files;
  const daybook::EventDecoder<File::Events> decoder;
  daybook::Cursor cursor = store.read();
  while (const daybook::EventView* event = cursor.next()) {
    const auto decoded =
        decoder.decode(*event, [&](const auto& typed, const daybook::EventView& at) -> daybook::Result<void> {
          files.apply(typed, at);
          // The log counts the events of a stream, too.
          const std::uint64_t events = files.find(at.stream)->events;
          if (at.version == events) return {};
          return daybook::fail({.code = daybook::Errc::bad_event,
                                .what = "version of an event in its stream",
                                .expected = events,
                                .actual = at.version});
        });
    if (!decoded) return daybook::fail(decoded.error());
  }
  if (const auto error = cursor.error()) return daybook::fail(*error);
  return files;
}

using Truth = std::map<std::string, File>;

std::optional<Truth> read_truth(const char* path) {
  std::ifstream in(path);
  Truth truth;
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
int compare(const Files& files, const Truth& truth) {
  int differences = 0;
  std::uint64_t events = 0;
  std::int64_t lines = 0;
  for (const auto& [path, expected] : truth) {
    const File* found = files.find(path);
    const File file = found == nullptr ? File() : *found;
    lines += file.lines;
    if (file.lines != expected.lines || file.events != expected.events) differences += complain(path, expected, file);
  }
  for (const auto& [path, file] : files.parts) {
    events += file.events;
    if (!truth.contains(path) && !file.binary && file.lines != 0) {
      differences += complain(path, File{.events = file.events}, file);
    }
  }
  std::printf("%llu events of %zu files replayed; %zu files have %lld lines, and %d of them differ from the truth\n",
              static_cast<unsigned long long>(events), files.parts.size(), truth.size(), static_cast<long long>(lines),
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
  const daybook::Result<Files> files = fold(*store);
  if (!files) {
    std::fprintf(stderr, "%s\n", daybook::describe(files.error()).c_str());
    return 1;
  }
  if (argc == 2) {
    for (const auto& [path, file] : files->parts) {
      if (file.lines > 0) std::printf("%8lld  %s\n", static_cast<long long>(file.lines), path.c_str());
    }
    return 0;
  }
  const std::optional<Truth> truth = read_truth(argv[2]);
  if (!truth) {
    std::fprintf(stderr, "%s: cannot be read as lines, events, path\n", argv[2]);
    return 3;
  }
  return compare(*files, *truth) == 0 ? 0 : 1;
}
