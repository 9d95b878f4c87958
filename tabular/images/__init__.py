"""Image data sets: their official files into uint8 columns; no split is drawn here and nothing is normalised."""
