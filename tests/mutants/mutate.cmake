# Writes OUT, a copy of SOURCE in which FROM is replaced by TO. FROM must be there exactly once: a mutant that no longer
# changes anything must not pass for one that was caught.
#
#   cmake -DSOURCE=... -DOUT=... -DFROM=... -DTO=... -P mutate.cmake
file(READ "${SOURCE}" text)
string(FIND "${text}" "${FROM}" first)
string(FIND "${text}" "${FROM}" last REVERSE)
if(first EQUAL -1 OR NOT first EQUAL last)
  message(FATAL_ERROR "mutant: not exactly one of\n${FROM}\nin ${SOURCE}")
endif()
string(REPLACE "${FROM}" "${TO}" text "${text}")
file(WRITE "${OUT}" "${text}")
