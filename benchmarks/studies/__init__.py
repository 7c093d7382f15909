"""Studies behind figures in the documents."""
