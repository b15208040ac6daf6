"""What the timeline told of one stream's clock. Pure."""

from processors.synchronize.spread import Spread
from saltwell.contracts.timeline import StreamIndex


class ToldClock:
    """Follows the clock's fields of a stream's blocks; the last ones know most."""

    def __init__(self) -> None:
        self.source = ""
        self.rate_ppm = 0.0
        self.residual_ns = 0
        self.jumps = 0
        self._largest_jump_ns = 0  # of those before the last
        self._last_jump_ns = 0  # the blocks behind it still learn how large it was
        self.first_jump_at_ns = 0
        self._offsets = Spread()
        self._origin_ns: int | None = None

    def tell(self, block: StreamIndex, frames: int) -> None:
        """Take what a block of so many frames says."""
        self.source, self.rate_ppm, self.residual_ns = block.clock_source, block.clock_rate_ppm, block.clock_residual_ns
        if self._origin_ns is None:
            self._origin_ns = block.clock_offset_ns
        self._offsets.add([block.clock_offset_ns - self._origin_ns] * frames)
        if block.clock_jumps > self.jumps:
            self.first_jump_at_ns = self.first_jump_at_ns or block.clock_jump_at_ns
            self._largest_jump_ns = self.largest_jump_ns()
        self.jumps, self._last_jump_ns = max(self.jumps, block.clock_jumps), block.clock_jump_ns

    def offset_ns(self) -> int:
        """The offset that the middle one of all frames had."""
        return (self._origin_ns or 0) + round(self._offsets.quantiles([0.5])[0])

    def largest_jump_ns(self) -> int:
        """The largest jump, signed; positive = the sensor's clock went forward."""
        return max(self._largest_jump_ns, self._last_jump_ns, key=abs)
