#pragma once

// Whether the kernel stamps what it receives although no other socket asks for it. It switches that on in its own time after
// somebody asked, and off after the last (net_enable_timestamp() of net/core/dev.c): sockets that live for a moment would get
// replies without a stamp. Throws SystemError.
void stampReceived(bool on);
