#include "layout/layout_rules.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>
#include <set>
#include <sstream>
#include <string_view>
#include <utility>

namespace daybook::layout {
namespace {

struct Folder {
  std::string_view prefix;
  int rank;
};

constexpr std::array kFolders = {
    Folder{"engine/include/daybook/", 0},
    Folder{"engine/format/", 1},
    Folder{"engine/io/", 1},
    Folder{"index/", 1},
    Folder{"engine/segment/", 2},
    Folder{"engine/log/", 3},
    Folder{"engine/store/", 4},
    Folder{"engine/sourcing/", 5},
    Folder{"tools/", 6},
    Folder{"bench/", 6},
    Folder{"tests/", 7},
    Folder{"examples/", 6},
};

// The files (or folders, by their prefix) whose atomics come with a written proof.
constexpr std::array<std::string_view, 4> kLockFree = {
    "engine/segment/",
    "engine/log/",
    "engine/io/futex",
    "engine/format/frame.h",
};

constexpr std::array<std::string_view, 4> kWeakOrders = {"relaxed", "acquire", "release", "acq_rel"};

constexpr std::array<std::string_view, 8> kNamelessNames = {"util",    "utils",   "common",   "helper",
                                                            "helpers", "manager", "managers", "misc"};

// Where a quoted include is looked for, besides the including file's own folder; as the include paths of CMake.
constexpr std::array<std::string_view, 5> kIncludePaths = {"engine/", "", "tests/", "bench/", "tools/"};

struct Include {
  int line = 0;
  std::string name;
  bool angled = false;
};

bool is_source(std::string_view path) { return path.ends_with(".cc"); }
bool is_header(std::string_view path) { return path.ends_with(".h"); }
bool is_code(std::string_view path) { return is_source(path) || is_header(path) || path.ends_with(".h.in"); }
bool is_public_header(std::string_view path) { return path.starts_with("engine/include/") && is_code(path); }

std::string folder_of(const std::string& path) { return path.substr(0, path.find_last_of('/') + 1); }
std::string name_of(const std::string& path) { return path.substr(path.find_last_of('/') + 1); }

// The text with comments blanked out, line breaks kept. Knows just enough about literals not to start a comment in one.
std::string without_comments(const std::string& text) {
  enum class In { code, line_comment, block_comment, string, character } in = In::code;
  std::string out = text;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const std::string_view rest = std::string_view(text).substr(i);
    switch (in) {
      case In::code:
        if (rest.starts_with("//"))
          in = In::line_comment;
        else if (rest.starts_with("/*"))
          in = In::block_comment;
        else if (rest.front() == '"')
          in = In::string;
        // An apostrophe between digits separates them.
        else if (rest.front() == '\'' && (i == 0 || std::isalnum(static_cast<unsigned char>(text[i - 1])) == 0)) {
          in = In::character;
        }
        break;
      case In::line_comment:
        if (rest.front() == '\n') in = In::code;
        break;
      case In::block_comment:
        if (rest.starts_with("*/")) {
          in = In::code;
          out[i] = out[i + 1] = ' ';
          ++i;
        }
        break;
      case In::string:
      case In::character:
        if (rest.front() == '\\')
          ++i;
        else if (rest.front() == (in == In::string ? '"' : '\'') || rest.front() == '\n')
          in = In::code;
        break;
    }
    if ((in == In::line_comment || in == In::block_comment) && text[i] != '\n') out[i] = ' ';
  }
  return out;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  return first == text.npos ? std::string_view() : text.substr(first);
}

std::optional<Include> parse_include(std::string_view line) {
  line = trimmed(line);
  if (!line.starts_with('#')) return std::nullopt;
  line = trimmed(line.substr(1));
  if (!line.starts_with("include")) return std::nullopt;
  line = trimmed(line.substr(7));
  if (!line.starts_with('<') && !line.starts_with('"')) return std::nullopt;
  const bool angled = line.front() == '<';
  const auto end = line.find(angled ? '>' : '"', 1);
  if (end == line.npos) return std::nullopt;
  return Include{0, std::string(line.substr(1, end - 1)), angled};
}

std::vector<Include> includes_of(const std::string& text) {
  std::vector<Include> includes;
  int number = 0;
  for (const std::string& line : lines_of(without_comments(text))) {
    ++number;
    if (auto include = parse_include(line)) {
      include->line = number;
      includes.push_back(*std::move(include));
    }
  }
  return includes;
}

const Folder* find_folder(std::string_view path) {
  for (const Folder& folder : kFolders) {
    if (path.starts_with(folder.prefix)) return &folder;
  }
  return nullptr;
}

// The file of this tree that an include means; nothing when it is somebody else's.
std::optional<std::string> resolve(const Tree& tree, const std::string& from, const Include& include) {
  if (include.name.starts_with("daybook/")) return "engine/include/" + include.name;
  if (!include.angled && tree.contains(folder_of(from) + include.name)) return folder_of(from) + include.name;
  for (const std::string_view base : kIncludePaths) {
    if (std::string path = std::string(base) + include.name; tree.contains(path)) return path;
  }
  return std::nullopt;
}

std::string violation(const std::string& path, int line, const std::string& what) {
  return path + ":" + std::to_string(line) + ": " + what;
}

template <typename Filter, typename Check>
void for_each_include(const Tree& tree, const Filter& filter, const Check& check) {
  for (const auto& [path, text] : tree) {
    if (!is_code(path) || !filter(path)) continue;
    for (const Include& include : includes_of(text)) check(path, include);
  }
}

bool is_std_header(const Include& include) {
  return include.angled && include.name.find_first_of("./") == std::string::npos;
}

// What users describe their structs with, and the one public header that reads it.
bool is_describe(std::string_view path, const Include& include) {
  const bool allowed = path == "engine/include/daybook/sourcing/json.h" || path.starts_with("tests/") ||
                       path.starts_with("bench/") || path.starts_with("examples/");
  return allowed && (include.name == "boost/describe.hpp" || include.name.starts_with("boost/describe/"));
}

// The words of a CMakeLists.txt, without its comments.
std::set<std::string> cmake_words(const std::string& text) {
  std::set<std::string> words;
  for (std::string line : lines_of(text)) {
    line = line.substr(0, line.find('#'));
    std::replace_if(
        line.begin(), line.end(), [](char c) { return c == '(' || c == ')' || c == '"'; }, ' ');
    std::istringstream in(line);
    for (std::string word; in >> word;) {
      // "${CMAKE_CURRENT_SOURCE_DIR}/a.cc" is "a.cc" too.
      words.insert(word.starts_with("${") ? word.substr(word.find('/') + 1) : word);
    }
  }
  return words;
}

// Public headers of the sourcing layer are listed where its sources are.
bool is_listed_with_its_layer(const Tree& tree, const std::string& path) {
  constexpr std::string_view kHeaders = "engine/include/daybook/sourcing";
  const auto list = tree.find("engine/sourcing/CMakeLists.txt");
  if (!path.starts_with(kHeaders) || list == tree.end()) return false;
  return cmake_words(list->second).contains(path.substr(std::string_view("engine/").size()));
}

bool is_listed(const Tree& tree, const std::string& path) {
  if (is_listed_with_its_layer(tree, path)) return true;
  for (std::string folder = folder_of(path);; folder = folder_of(folder.substr(0, folder.size() - 1))) {
    if (const auto list = tree.find(folder + "CMakeLists.txt"); list != tree.end()) {
      if (cmake_words(list->second).contains(path.substr(folder.size()))) return true;
    }
    if (folder.empty()) return false;
  }
}

bool has_weak_order(std::string_view line) {
  return std::any_of(kWeakOrders.begin(), kWeakOrders.end(), [line](std::string_view order) {
    return line.find("memory_order_" + std::string(order)) != line.npos ||
           line.find("memory_order::" + std::string(order)) != line.npos;
  });
}

bool may_use_weak_orders(std::string_view path) {
  // Tests and benchmarks build their own races.
  if (path.starts_with("tests/") || path.starts_with("bench/")) return true;
  return std::any_of(kLockFree.begin(), kLockFree.end(),
                     [path](std::string_view prefix) { return path.starts_with(prefix); });
}

// The words of a path: its folders, and its file's name without extension, split at underscores.
std::vector<std::string> name_words(const std::string& path) {
  std::string text = path.substr(0, path.find('.', path.find_last_of('/') + 1));
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c == '/' || c == '_' || c == '-'; }, ' ');
  std::istringstream in(text);
  std::vector<std::string> words;
  for (std::string word; in >> word;) words.push_back(word);
  return words;
}

}  // namespace

Violations check_ranks(const Tree& tree) {
  Violations found;
  const auto everywhere = [](const std::string&) { return true; };
  for_each_include(tree, everywhere, [&](const std::string& path, const Include& include) {
    const Folder* from = find_folder(path);
    if (from == nullptr) {
      found.push_back(violation(path, 1, "is in no folder that has a rank"));
      return;
    }
    const auto target = resolve(tree, path, include);
    if (!target) {
      const bool generated = path.starts_with("examples/") && include.name.ends_with(".pb.h");  // by protoc
      if (!include.angled && !generated)
        found.push_back(violation(path, include.line, "\"" + include.name + "\" is not in the tree"));
      return;
    }
    const Folder* to = find_folder(*target);
    if (to == from || (to != nullptr && to->rank < from->rank)) return;
    found.push_back(violation(path, include.line, "may not include " + *target));
  });
  return found;
}

Violations check_public_headers(const Tree& tree) {
  Violations found;
  for_each_include(tree, is_public_header, [&](const std::string& path, const Include& include) {
    if (is_describe(path, include)) return;
    if (is_std_header(include) || (include.angled && include.name.starts_with("daybook/"))) return;
    found.push_back(violation(path, include.line, "a public header may not include " + include.name));
  });
  return found;
}

Violations check_cmake_lists(const Tree& tree) {
  Violations found;
  for (const auto& [path, text] : tree) {
    const bool wanted = is_source(path) || (is_public_header(path) && is_header(path));
    if (wanted && !is_listed(tree, path)) found.push_back(violation(path, 1, "is in no CMakeLists.txt"));
  }
  return found;
}

Violations check_doors(const Tree& tree) {
  Violations found;
  std::set<std::string> roaring_doors;
  const auto everywhere = [](const std::string&) { return true; };
  for_each_include(tree, everywhere, [&](const std::string& path, const Include& include) {
    if (include.name.starts_with("boost/") && !path.starts_with("engine/io/") && !is_describe(path, include)) {
      found.push_back(violation(path, include.line, "Boost is for engine/io alone"));
    }
    if (include.name.starts_with("roaring/")) {
      roaring_doors.insert(path);
      if (!path.starts_with("index/") || !is_source(path)) {
        found.push_back(violation(path, include.line, "CRoaring is for one .cc of index"));
      }
    }
  });
  if (roaring_doors.size() > 1) {
    found.push_back(violation(*roaring_doors.rbegin(), 1, "CRoaring has a door already: " + *roaring_doors.begin()));
  }
  return found;
}

Violations check_memory_orders(const Tree& tree) {
  Violations found;
  for (const auto& [path, text] : tree) {
    if (!is_code(path) || may_use_weak_orders(path)) continue;
    int number = 0;
    for (const std::string& line : lines_of(without_comments(text))) {
      ++number;
      if (has_weak_order(line))
        found.push_back(violation(path, number, "a weak memory order outside the lock-free files"));
    }
  }
  return found;
}

Violations check_names(const Tree& tree) {
  Violations found;
  for (const auto& [path, text] : tree) {
    for (const std::string& word : name_words(path)) {
      if (std::find(kNamelessNames.begin(), kNamelessNames.end(), word) == kNamelessNames.end()) continue;
      found.push_back(violation(path, 1, "\"" + word + "\" names nothing"));
    }
  }
  return found;
}

Violations check_headers(const Tree& tree) {
  Violations found;
  for (const auto& [path, text] : tree) {
    if (is_code(path) && !is_source(path) && text.find("#pragma once\n") == text.npos) {
      found.push_back(violation(path, 1, "has no #pragma once"));
    }
    if (!is_source(path)) continue;
    const std::string header = path.substr(0, path.size() - 2) + "h";
    if (!tree.contains(header)) continue;
    const auto includes = includes_of(text);
    if (includes.empty() || resolve(tree, path, includes.front()) != header) {
      found.push_back(violation(path, 1, "does not include " + name_of(header) + " first"));
    }
  }
  return found;
}

}  // namespace daybook::layout
