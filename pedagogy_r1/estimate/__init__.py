"""An estimate with its interval, or why there is none; resampling of whole clusters."""
