// Every command; each is defined in the file of its name.
#pragma once

#include "command.h"

namespace daybook::tools {

extern const Command kInfo;
extern const Command kSegments;
extern const Command kCat;
extern const Command kTail;
extern const Command kGet;
extern const Command kCount;
extern const Command kStreams;
extern const Command kTypes;
extern const Command kTags;
extern const Command kSnapshots;
extern const Command kConsumers;
extern const Command kDump;
extern const Command kVerify;
extern const Command kDoctor;
extern const Command kImport;
extern const Command kExport;
extern const Command kBenchAppend;
extern const Command kBenchReplay;
extern const Command kVersion;

}  // namespace daybook::tools
