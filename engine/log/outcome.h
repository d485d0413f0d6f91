// Where an append ended up.
#pragma once

#include <daybook/store.h>

#include "format/layout.h"

namespace daybook::log {

struct Outcome {
  Appended appended;
  format::Address end;  // behind its frame; zero when nothing was written
};

}  // namespace daybook::log
