// Which symbols leave the library.
#pragma once

#if defined(DAYBOOK_STATIC_DEFINE)
#define DAYBOOK_EXPORT
#else
#define DAYBOOK_EXPORT __attribute__((visibility("default")))
#endif
