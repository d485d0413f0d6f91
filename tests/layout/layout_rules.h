// The rules of the source tree that a compiler does not know, as functions over the text of its files.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace daybook::layout {

// Path from the top of the repository -> contents.
using Tree = std::map<std::string, std::string>;

// One line each, "<path>:<line>: <what is wrong>"; empty = the rule is kept.
using Violations = std::vector<std::string>;

// Folders are ranked. A file includes lower ranks and its own folder only, so that every layer can be read, tested and
// replaced without those above it. Tests are above everything.
Violations check_ranks(const Tree& tree);

// Public headers include the standard library and each other: what Daybook is built with is nobody else's business.
Violations check_public_headers(const Tree& tree);

// Every .cc and every public header is in the CMakeLists.txt of its folder (or of one above): a file that is in none
// is not compiled, and tests nothing.
Violations check_cmake_lists(const Tree& tree);

// A dependency has one door: Boost in engine/io, CRoaring in one .cc of index.
Violations check_doors(const Tree& tree);

// Orders weaker than sequential consistency stay in the lock-free files, where their proof is.
Violations check_memory_orders(const Tree& tree);

// A file is named after the thing in it; "utils" and the like are a place for what nobody named.
Violations check_names(const Tree& tree);

// Headers have #pragma once, and a .cc includes its own header first, which shows that it stands alone.
Violations check_headers(const Tree& tree);

}  // namespace daybook::layout
