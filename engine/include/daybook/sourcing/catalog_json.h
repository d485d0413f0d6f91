// A catalog as a file, for `daybook doctor --catalog`: which forms there are, without the code of the steps. Link
// daybook::sourcing.
//
//   {"schema":"daybook.catalog/1",
//    "types":[{"name":"AccountOpened","schema_version":3,"aliases":[]}],
//    "steps":[{"from":{"name":"AccountOpened","schema_version":1},"to":[{"name":"AccountOpened","schema_version":3}]}]}
#pragma once

#include <string>

#include <daybook/error.h>
#include <daybook/export.h>
#include <daybook/sourcing/catalog.h>
#include <daybook/types.h>

namespace daybook::json {

// Errors: those of Catalog::check(), because what is wrong is told where it was written; bad_event, when a name is not
// UTF-8.
DAYBOOK_EXPORT Result<std::string> write_catalog(const Catalog& catalog);

// A catalog that can be checked, and asked for queries. Its steps do not run: decoding an older event with it fails
// with bad_event. Errors: bad_event, which names the field of the file.
DAYBOOK_EXPORT Result<Catalog> read_catalog(Bytes text);

}  // namespace daybook::json
