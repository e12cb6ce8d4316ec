// Nothing: see host_defines.h.

#pragma once
